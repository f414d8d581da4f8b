/**
 * Turning work away before the backlog grows without bound: 429 with Retry-After. The depth is asked at most every
 * few seconds, so a burst may pass the limit by what arrives in that time; the limit is a brake, not a quota.
 */
import type { JobQueue } from '../../shared/aws/job-queue.ts';
import { OutboardError } from '../../shared/errors.ts';

const FRESH_MS = 5_000;

/** @returns a check that throws too_many_requests while more than `maxQueued` jobs wait. */
export function overloadCheck(
  queue: Pick<JobQueue, 'depth'>,
  maxQueued: number,
  now: () => number = Date.now,
) {
  let seen: { depth: number; at: number } | undefined;
  return async (): Promise<void> => {
    if (seen === undefined || now() - seen.at > FRESH_MS) {
      // Not knowing the depth is no reason to turn anybody away.
      seen = { depth: await queue.depth().catch(() => 0), at: now() };
    }
    if (seen.depth >= maxQueued) {
      throw new OutboardError('too_many_requests', { detail: `${seen.depth} jobs are waiting.` });
    }
  };
}
