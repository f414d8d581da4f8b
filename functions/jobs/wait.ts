/**
 * Waiting for a job inside one request, for clients without a socket: looks at the row until the job has ended or
 * the time is up. A job that is not there yet is waited for too: its upload may still be on the way. The wait grows from a quarter of a second to one, so a long wait costs few reads.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { isJobId, isTerminal, type Job } from '../../shared/job.ts';

/** API Gateway ends a request after 29 seconds; the answer needs some of them. */
const MAX_WAIT_SECONDS = 25;

/** Seconds of `?wait=N` or `Prefer: wait=N`; more than the maximum means the maximum, nothing means 0. */
export function readWait(query: string | undefined, prefer?: string): number {
  const text = query ?? /(?:^|[,;\s])wait=(\d+)/.exec(prefer ?? '')?.[1] ?? '0';
  if (!/^\d{1,6}$/.test(text)) {
    throw new OutboardError('invalid_request', {
      detail: 'wait must be a whole number of seconds.',
      field: 'wait',
    });
  }
  return Math.min(Number(text), MAX_WAIT_SECONDS);
}

export async function waitForEnd(
  jobs: Pick<JobStore, 'get'>,
  id: string,
  seconds: number,
): Promise<Job | undefined> {
  if (!isJobId(id)) return undefined;
  const end = Date.now() + seconds * 1000;
  for (let pause = 250; ; pause = Math.min(pause * 1.3, 1000)) {
    const job = await jobs.get(id);
    const left = end - Date.now();
    if ((job !== undefined && isTerminal(job.status)) || left <= 0) return job;
    await sleep(Math.min(pause, left));
  }
}
