/** What happens to a job, as events: each tells something new, and the last one is the result. */
import type { Job, Progress } from './api-types.ts';
import { hasEnded } from './tasks.ts';

export type JobEvent =
  /** The first thing that is seen, and every change of an open job's status or of what it waits for. */
  | { readonly type: 'status'; readonly job: Job }
  | { readonly type: 'progress'; readonly progress: Progress; readonly job: Job }
  /** The job has ended, well or not: `job.status` says how. Always the last. */
  | { readonly type: 'result'; readonly job: Job };

/** @param seen the job as it was seen, again and again, until it had ended */
export async function* eventsOf(seen: AsyncIterable<Job>): AsyncGenerator<JobEvent, void, undefined> {
  let state: string | undefined;
  let progress: string | undefined;
  for await (const job of seen) {
    if (hasEnded(job)) {
      yield { type: 'result', job };
      return;
    }
    const stateNow = JSON.stringify([job.status, job.queue]);
    if (stateNow !== state) yield { type: 'status', job };
    const now = JSON.stringify(job.progress);
    if (job.progress !== undefined && now !== progress) {
      yield { type: 'progress', progress: job.progress, job };
    }
    state = stateNow;
    progress = now;
  }
}
