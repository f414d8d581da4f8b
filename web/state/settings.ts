/**
 * Where the API is and with which key. Who serves the page says so in stage.json; what a person changes is kept in this
 * browser, and only that, so that a stage may change its own values.
 */
import { computed, signal } from '@preact/signals';

export interface Settings {
  /** Scheme, host and stage of the API. */
  readonly endpoint: string;
  readonly apiKey: string;
}

const STORED = 'outboard.settings';

/** What the stage says; the page's own origin where it says nothing. */
export const stageSettings = signal<Settings>({ endpoint: location.origin, apiKey: '' });
const changed = signal<Partial<Settings>>(readStored());

export const settings = computed<Settings>(() => ({ ...stageSettings.value, ...changed.value }));
/** Whether the stage and this browser have said what they know. */
export const settingsLoaded = signal(false);

export async function loadSettings(): Promise<void> {
  try {
    const answer = await fetch('/stage.json');
    const stage = (await answer.json()) as { endpoint?: string; api_key?: string };
    stageSettings.value = {
      endpoint: stage.endpoint ?? location.origin,
      apiKey: stage.api_key ?? '',
    };
  } catch {
    // Without it the page's own origin is a good guess, and a person can say otherwise.
  }
  settingsLoaded.value = true;
}

/** Keeps what differs from the stage's own values. */
export function changeSettings({ endpoint, apiKey }: Settings): void {
  const stage = stageSettings.value;
  changed.value = {
    ...(endpoint === stage.endpoint ? {} : { endpoint }),
    ...(apiKey === stage.apiKey ? {} : { apiKey }),
  };
  localStorage.setItem(STORED, JSON.stringify(changed.value));
}

function readStored(): Partial<Settings> {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? '{}') as Record<string, unknown>;
    const { endpoint, apiKey } = stored;
    return {
      ...(typeof endpoint === 'string' ? { endpoint } : {}),
      ...(typeof apiKey === 'string' ? { apiKey } : {}),
    };
  } catch {
    return {};
  }
}
