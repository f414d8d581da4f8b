/**
 * The one door to the API: the client for the settings of this moment, and whether the API answers. Everything the page
 * asks goes through here, so the rest of it never handles addresses, keys or statuses.
 */
import { computed, signal } from '@preact/signals';
import { Outboard, OutboardApiError } from '../client/outboard.ts';
import { settings } from './state/settings.ts';

export type {
  Detection,
  Fleet,
  FleetWorker,
  Job,
  Model,
  Prediction,
} from '../client/outboard.ts';
export { hasEnded } from '../client/outboard.ts';

/** `away`: nobody answers, it is being tried again; `refused`: it answers, but not to this key. */
export const connection = signal<'unknown' | 'online' | 'away' | 'refused'>('unknown');

/** A gateway with nothing behind it. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

async function observed(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const toApi = String(input).startsWith(settings.value.endpoint);
  try {
    const answer = await fetch(input, init);
    if (toApi) {
      connection.value = AWAY.has(answer.status) ? 'away' : answer.status === 403 ? 'refused' : 'online';
    }
    return answer;
  } catch (error) {
    if (toApi && init?.signal?.aborted !== true) connection.value = 'away';
    throw error;
  }
}

/** Repeats once at most: what is asked again and again shows an outage sooner than it would recover silently. */
export const outboard = computed(
  () => new Outboard({ ...validated(settings.value), retries: 1, fetch: observed }),
);

/** Where the address is none, this page's own origin answers, and says what is wrong. */
const validated = ({ endpoint, apiKey }: { endpoint: string; apiKey: string }) => ({
  endpoint: URL.canParse(endpoint) ? endpoint : location.origin,
  apiKey,
});

/** An error as a sentence for the person who looks at it. */
export function explain(error: unknown): string {
  if (error instanceof OutboardApiError) return error.detail;
  if (connection.value === 'away') return 'The API does not answer.';
  return error instanceof Error ? error.message : String(error);
}

/** Whether asking again is of no use: the API understood, and said no. */
export const isFinal = (error: unknown): boolean =>
  error instanceof OutboardApiError && error.status < 500 && error.status !== 429;
