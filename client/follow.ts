/**
 * Following a job to its end. A transport yields what it sees of the job, the ended job last; `watch` makes events of
 * that, whichever transport it came by.
 */
import type { Job } from './api-types.ts';
import type { Jobs } from './jobs.ts';
import { hasEnded } from './tasks.ts';

interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** false: only the end is of interest, so looks in between are spared. */
  readonly progress: boolean;
}

export type Follow = (id: string, options: FollowOptions) => AsyncIterable<Job>;

/** What the API holds an answer for at most. */
const LONGEST_WAIT = 25;

/** The API answers a waiting request at once when the job ends; in between a short wait shows how it goes. */
function waitSeconds(progress: boolean, looks: number): number {
  if (looks === 0) return 0;
  if (!progress) return LONGEST_WAIT;
  if (looks < 30) return 1;
  return looks < 120 ? 2 : 5;
}

/** By `GET /v1/jobs/{id}?wait=N`, which passes every proxy. */
export const longPolling = (jobs: Pick<Jobs, 'get'>): Follow =>
  async function* (id, { signal, progress }) {
    for (let looks = 0; ; looks += 1) {
      const job = await jobs.get(id, { waitSeconds: waitSeconds(progress, looks), signal });
      yield job;
      if (hasEnded(job)) return;
    }
  };
