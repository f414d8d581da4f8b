/**
 * Dead letters of two kinds: messages that still lie in the dead-letter queue, and jobs that the stage gave up on (their
 * messages are gone by then; the row is the truth). Jobs that failed for a reason of their own are none.
 */
import type { JobIndex } from '../shared/aws/job-index.ts';
import type { JobQueue, ReceivedMessage } from '../shared/aws/job-queue.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import type { ErrorCode } from '../shared/errors.ts';
import { isTerminal, type Job } from '../shared/job.ts';

export interface DeadLetters {
  readonly messages: readonly ReceivedMessage[];
  readonly jobs: readonly Job[];
}

interface Services {
  readonly jobs: Pick<JobStore, 'get' | 'reopen' | 'markEnqueued'>;
  readonly index: Pick<JobIndex, 'failed'>;
  readonly queue: Pick<JobQueue, 'send'>;
  readonly deadLetters: Pick<JobQueue, 'receive' | 'delete' | 'setVisibility'>;
}

/** Long enough to read the list and answer; after that a message is back among the dead letters by itself. */
const HOLD_SECONDS = 300;
const RECEIVE_BATCH = 10;
const REPAIR_AFTER_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Holds the messages while somebody decides. */
export async function findDeadLetters(
  { index, deadLetters }: Pick<Services, 'index' | 'deadLetters'>,
  codes: readonly ErrorCode[],
  since: Date,
): Promise<DeadLetters> {
  const messages: ReceivedMessage[] = [];
  for (;;) {
    const batch = await deadLetters.receive(RECEIVE_BATCH, 0, HOLD_SECONDS);
    if (batch.length === 0) break;
    messages.push(...batch);
  }
  return { messages, jobs: await index.failed(codes, since) };
}

/** Lets them be: the messages are among the dead letters again at once. */
export async function leaveDeadLetters(
  { deadLetters }: Pick<Services, 'deadLetters'>,
  { messages }: DeadLetters,
): Promise<void> {
  await Promise.all(messages.map(({ receipt }) => deadLetters.setVisibility(receipt, 0)));
}

/** @returns how many jobs are queued again; those that are over or were never ours are not */
export async function redrive(services: Services, found: DeadLetters, now = new Date()): Promise<number> {
  const { jobs, queue, deadLetters } = services;
  let queued = 0;
  for (const { jobId, receipt } of found.messages) {
    const job = jobId === '' ? undefined : await jobs.get(jobId);
    if (job !== undefined && !isTerminal(job.status)) {
      await queue.send(job.id, job.tenant);
      queued += 1;
    }
    // Only now: a crash in between leaves a message too many, never one too few.
    await deadLetters.delete(receipt);
  }
  for (const { id, ...job } of found.jobs) {
    const opened = await jobs.reopen(id, renewed(job, now));
    if (opened === undefined) continue;
    // Should this process die here, the sweeper sends the message.
    await queue.send(id, job.tenant);
    await jobs.markEnqueued({ id }, now);
    queued += 1;
  }
  return queued;
}

/** As much time as the job was given when it was accepted, and an hour at least. */
function renewed(job: Pick<Job, 'created_at' | 'deadline_at' | 'expires_at'>, now: Date) {
  const life = Date.parse(job.deadline_at) - Date.parse(job.created_at);
  const retention = job.expires_at * 1000 - Date.parse(job.deadline_at);
  const deadline = now.getTime() + Math.max(life, HOUR_MS);
  return {
    sweepAt: new Date(now.getTime() + REPAIR_AFTER_MS).toISOString(),
    deadlineAt: new Date(deadline).toISOString(),
    expiresAt: Math.floor((deadline + Math.max(retention, HOUR_MS)) / 1000),
  };
}
