/**
 * Accepting a job: row first, then message, then the note that the message is there. 202 means that both exist.
 * Each step can be repeated, so a client, an S3 event or the sweeper that repeats the whole finds the same job.
 */
import type { JobQueue } from '../../shared/aws/job-queue.ts';
import type { JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { type Job, type JobInput, type JobPriority, openShardOf, type Webhook } from '../../shared/job.ts';
import { type Release, withdrawUpload } from './upload-hold.ts';
import type { Wake } from './wake.ts';

/** A row without its message is repaired after this long. */
const REPAIR_AFTER_MS = 60_000;

export interface SubmitServices {
  readonly jobs: Pick<JobStore, 'create' | 'markEnqueued'>;
  readonly queue: Pick<JobQueue, 'send'>;
  readonly holders: Release;
  readonly wake: Wake;
}

/** Limits of a job's life, from the environment. */
export interface JobLimits {
  readonly OUTBOARD_JOB_DEADLINE_SECONDS: number;
  readonly OUTBOARD_JOB_RETENTION_SECONDS: number;
  readonly OUTBOARD_JOB_MAX_ATTEMPTS: number;
}

interface Draft {
  readonly id: string;
  readonly tenant: string;
  readonly task: string;
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly input: JobInput;
  readonly requestHash: string;
  readonly noCache?: boolean;
  readonly priority?: JobPriority;
  readonly webhook?: Webhook | undefined;
  readonly workSeconds?: number;
}

/** When an open job is looked at next, when it must be over, and when (epoch seconds) its row may go. */
export const deadlines = (limits: JobLimits, now: Date) => ({
  sweepAt: new Date(now.getTime() + REPAIR_AFTER_MS).toISOString(),
  deadlineAt: new Date(now.getTime() + limits.OUTBOARD_JOB_DEADLINE_SECONDS * 1000).toISOString(),
  expiresAt:
    Math.floor(now.getTime() / 1000) +
    limits.OUTBOARD_JOB_DEADLINE_SECONDS +
    limits.OUTBOARD_JOB_RETENTION_SECONDS,
});

export function newJob(draft: Draft, limits: JobLimits, now: Date): Job {
  const { sweepAt, deadlineAt, expiresAt } = deadlines(limits, now);
  return {
    id: draft.id,
    tenant: draft.tenant,
    status: 'queued',
    task: draft.task,
    model: draft.model,
    parameters: draft.parameters,
    input: draft.input,
    request_hash: draft.requestHash,
    ...(draft.priority === 'batch' ? { priority: draft.priority } : {}),
    ...(draft.webhook === undefined ? {} : { webhook: draft.webhook }),
    ...(draft.noCache === true ? { no_cache: true } : {}),
    ...(draft.workSeconds === undefined ? {} : { work_seconds: draft.workSeconds }),
    created_at: now.toISOString(),
    deadline_at: deadlineAt,
    attempt: 0,
    fence: 0,
    max_attempts: limits.OUTBOARD_JOB_MAX_ATTEMPTS,
    expires_at: expiresAt,
    open_shard: openShardOf(draft.id),
    sweep_at: sweepAt,
  };
}

/**
 * @returns the job that now has this id, new or found.
 * @throws idempotency_key_reused where the one found came from another request; queue_unavailable where the row
 *   exists but its message could not be sent: a repeat or the sweeper sends it.
 */
export async function submitJob(services: SubmitServices, draft: Job, now: Date): Promise<Job> {
  const { job } = await services.jobs.create(draft);
  if (job.request_hash !== draft.request_hash) {
    await withdrawUpload(services.holders, draft);
    throw new OutboardError('idempotency_key_reused', { field: 'Idempotency-Key' });
  }
  if (job.status !== 'queued' || job.enqueued_at !== undefined) return job;
  await enqueue(services, job, now);
  await services.wake(job.work_seconds ?? 0);
  return job;
}

/** Sends the wake-up of an open job and notes it. @throws queue_unavailable */
export async function enqueue(
  { jobs, queue }: { readonly jobs: Pick<JobStore, 'markEnqueued'>; readonly queue: Pick<JobQueue, 'send'> },
  job: Job,
  now: Date,
): Promise<void> {
  try {
    await queue.send(job.id, job.tenant);
  } catch (error) {
    throw new OutboardError('queue_unavailable', { detail: `The job's id is ${job.id}.`, cause: error });
  }
  await jobs.markEnqueued(job, now);
}
