/**
 * One message from claim to acknowledgement. What becomes of the message is decided in one place, at the end:
 *   1. claim the row (counts the attempt) or learn why not; a job that a worker did not survive waits until it is alone;
 *   2. hold the lease while the pipeline works;
 *   3. turn what happened into one outcome;
 *   4. settle: first the row, then the message. Each step can be repeated, and only the holder of the fence can
 *      change the row, so a crash between any two of them costs time and nothing else.
 */
import type { JobQueue } from '../shared/aws/job-queue.ts';
import type { Claim, JobStore } from '../shared/aws/job-store.ts';
import { asOutboardError, OutboardError } from '../shared/errors.ts';
import { isTerminal, type Job, type JobOutput, type JobTimings } from '../shared/job.ts';
import type { Logger } from '../shared/log.ts';
import type { Company, Place } from './company.ts';
import { type FailureReason, failureReason } from './failure-reason.ts';
import { Lease, StopError } from './lease.ts';
import { Progress, type Suspicion } from './progress.ts';

/** What the pipeline gets to see of a job's surroundings. */
export interface JobContext {
  readonly signal: AbortSignal;
  readonly progress: Pick<Progress, 'report' | 'reportNow' | 'enter' | 'learn'>;
  readonly log: Logger;
}

/** Does the work of a job and stores its files; writes nothing to the row. */
export interface Pipeline {
  run(job: Job, context: JobContext): Promise<{ output: JobOutput; timings: JobTimings }>;
  /** The `name@version` a job means now. @throws unknown_model */
  versionFor(job: Job): string | Promise<string>;
  /** Takes back what an attempt stored and nobody will be told of. */
  discard(job: Job): Promise<void>;
  /** Erases what earlier, lost attempts of this job left behind. */
  tidy(job: Job): Promise<void>;
}

export interface RunJobServices {
  readonly jobs: JobStore;
  readonly queue: Pick<JobQueue, 'delete' | 'setVisibility'>;
  readonly pipeline: Pipeline;
  readonly workerId: string;
  readonly leaseSeconds: number;
  /** Workers that did not survive a job, after which no other gets it. */
  readonly quarantineAfter?: number;
  readonly company: Company;
  readonly log: Logger;
}

type Outcome =
  | { readonly kind: 'succeeded'; readonly output: JobOutput; readonly timings: JobTimings }
  | { readonly kind: 'failed'; readonly error: OutboardError }
  | { readonly kind: 'retry'; readonly error: OutboardError }
  | { readonly kind: 'released' }
  | { readonly kind: 'lost' };

/** What happened to the message's job, for the metrics. */
type JobResult = Outcome['kind'] | 'skipped';

export interface Finished {
  readonly result: JobResult;
  /** As the attempt ran it, or as it was asked for; unknown where there was no attempt. */
  readonly model?: string;
  readonly timings?: JobTimings;
  /** From the end of the work to the row's last write. */
  readonly settleMs?: number;
  /** Of an attempt without a result. */
  readonly reason?: FailureReason;
  readonly cache?: JobOutput['cache'];
}

/** Why a worker looks at a job: a message, or the index of due jobs, where the job's own message is still on its way. */
export interface WakeUp {
  readonly jobId: string;
  readonly receipt?: string;
}

/** What the message needs once the row is settled. */
type Acknowledgement = { readonly delete: true } | { readonly returnAfterSeconds: number } | 'leave';

/** @param watch is handed each lease, so that a shutdown can stop the job. */
export async function runJob(
  services: RunJobServices,
  message: WakeUp,
  watch: (lease: Lease) => void,
): Promise<Finished> {
  const place = await services.company.join();
  return runInPlace(services, message, watch, place).finally(() => place.leave());
}

async function runInPlace(
  services: RunJobServices,
  message: WakeUp,
  watch: (lease: Lease) => void,
  place: Place,
): Promise<Finished> {
  const { jobs, workerId, leaseSeconds, quarantineAfter } = services;
  const now = new Date();
  const leaseUntil = now.getTime() + leaseSeconds * 1000;
  const found =
    message.jobId === ''
      ? ({ kind: 'missing' } as const)
      : await jobs.claim(message.jobId, workerId, now, leaseUntil, quarantineAfter);
  if (found.kind !== 'claimed') {
    await acknowledge(services, message, await whatNow(services, found));
    const reason = ends[found.kind];
    return 'job' in found && reason !== undefined
      ? { result: 'skipped', model: found.job.model_version ?? found.job.model, reason }
      : { result: 'skipped' };
  }
  const { job } = found;
  const log = services.log;
  const claim = { id: job.id, fence: job.fence };
  const lease = new Lease(
    { ...services, claim, receipt: message.receipt, seconds: leaseSeconds, log },
    leaseUntil,
  );
  watch(lease);
  const outcome = await workInTurn(services, job, lease, place).finally(() => lease.end());
  const ended = performance.now();
  const settled = await settle(services, job, lease.claim, outcome);
  const settleMs = performance.now() - ended;
  const model = lease.claim.modelVersion ?? job.model;
  if (settled === undefined) {
    const loss = await afterLoss(services, job);
    await acknowledge(services, message, loss.acknowledgement);
    return { result: 'lost', model, ...(loss.reason === undefined ? {} : { reason: loss.reason }) };
  }
  await acknowledge(services, message, settled);
  if (outcome.kind === 'failed' || outcome.kind === 'retry')
    return { result: outcome.kind, model, settleMs, reason: failureReason(outcome.error.code) };
  if (outcome.kind !== 'succeeded') return { result: outcome.kind, model, settleMs };
  const { timings, output } = outcome;
  log.info({ job_id: job.id, attempt: job.attempt, ...timings }, 'job succeeded');
  const { cache } = output;
  return { result: 'succeeded', model, timings, settleMs, ...(cache === undefined ? {} : { cache }) };
}

/** Why a job that cannot be claimed is ended here, where it is. */
const ends: Readonly<Partial<Record<string, FailureReason>>> = {
  overdue: 'timeout',
  quarantined: 'device',
  exhausted: 'other',
};

/** A message whose job cannot be claimed: either it is over, or it is somebody else's for now. */
async function whatNow(
  services: RunJobServices,
  found: Exclude<Awaited<ReturnType<JobStore['claim']>>, { kind: 'claimed' }>,
): Promise<Acknowledgement> {
  const { jobs, pipeline } = services;
  if (found.kind === 'leased')
    return { returnAfterSeconds: Math.max(1, (found.leaseUntil - Date.now()) / 1000 + 1) };
  // Its worker may have died between the row and the rest.
  if (found.kind === 'finished' && found.job.status === 'succeeded') await tidy(pipeline, found.job);
  if (found.kind === 'overdue') {
    await jobs.end(found.job.id, 'expired', new Date(), new OutboardError('deadline_exceeded').toPublic());
  }
  if (found.kind === 'exhausted') {
    const detail = `It was started ${found.job.attempt} times; the last worker was ${found.job.worker}.`;
    await jobs.end(
      found.job.id,
      'failed',
      new Date(),
      new OutboardError('attempts_exhausted', { detail }).toPublic(),
    );
  }
  if (found.kind === 'quarantined') await quarantine(services, found.job);
  return { delete: true };
}

/** Ends a job that ends its workers, with what is known about why. */
async function quarantine(
  { jobs, log }: RunJobServices,
  { id, unreported, worker, evidence }: Job,
): Promise<void> {
  const last = evidence === undefined ? '' : `, in the phase "${evidence.phase}"`;
  const detail = `${unreported} of them, the last one ${worker}${last}.`;
  log.error({ job_id: id, worker, ...evidence }, 'a job is put in quarantine');
  await jobs.end(id, 'failed', new Date(), new OutboardError('quarantined', { detail }).toPublic());
}

/** Whether a worker that had this job in hand never said how it went: the job may be what ended it. */
const isSuspect = ({ unreported = 0 }: Job): boolean => unreported > 1;

/** A suspect is not counted while it waits: were the process to end meanwhile, another job would be the reason. */
async function workInTurn(services: RunJobServices, job: Job, lease: Lease, place: Place): Promise<Outcome> {
  if (!isSuspect(job)) return work(services, job, lease);
  services.log.warn(
    { job_id: job.id, attempt: job.attempt },
    'a worker did not survive this job; it runs alone',
  );
  const suspicion = { worker: services.workerId };
  if (place.tryAlone()) return work(services, job, lease, suspicion);
  // The door is closed first. Where the job is stopped while it waits, its signal says so below.
  const turn = place.alone(lease.signal).catch(() => {});
  const waiting = await services.jobs.standBy(job);
  if (waiting === undefined) lease.abort('lease-lost');
  await turn;
  const begun = waiting && (await services.jobs.begin(waiting));
  return begun === undefined ? { kind: 'lost' } : work(services, begun, lease, suspicion);
}

async function work(
  { jobs, pipeline, log }: RunJobServices,
  job: Job,
  lease: Lease,
  suspicion?: Suspicion,
): Promise<Outcome> {
  const progress = new Progress(jobs, lease, suspicion);
  try {
    lease.signal.throwIfAborted();
    const version = job.model_version ?? (await pipeline.versionFor(job));
    lease.runs(version);
    const fixed = { ...job, model_version: version };
    const done = await pipeline.run(fixed, { signal: lease.signal, progress, log });
    await progress.settled();
    lease.signal.throwIfAborted();
    return { kind: 'succeeded', ...done };
  } catch (thrown) {
    await progress.settled();
    if (lease.signal.aborted) {
      const reason: unknown = lease.signal.reason;
      return { kind: reason instanceof StopError && reason.reason === 'shutdown' ? 'released' : 'lost' };
    }
    const error = asOutboardError(thrown);
    const lastTry = job.attempt >= job.max_attempts;
    log.warn(
      { job_id: job.id, attempt: job.attempt, code: error.code, err: error.cause ?? error },
      'attempt failed',
    );
    return { kind: error.retryable && !lastTry ? 'retry' : 'failed', error };
  }
}

/** Writes the outcome to the row and says what the message needs. @returns undefined where the claim is gone */
async function settle(
  { jobs, pipeline }: RunJobServices,
  job: Job,
  claim: Claim,
  outcome: Outcome,
): Promise<Acknowledgement | undefined> {
  if (outcome.kind === 'succeeded') {
    const settled = await jobs.succeed(claim, outcome.output, outcome.timings, new Date());
    if (!settled) return undefined;
    await tidy(pipeline, job);
    return { delete: true };
  }
  if (outcome.kind === 'failed') {
    const settled = await jobs.fail(claim, outcome.error.toPublic(), new Date());
    return settled ? { delete: true } : undefined;
  }
  if (outcome.kind === 'retry') {
    const seconds = backOffSeconds(job.attempt);
    const dueAt = new Date(Date.now() + seconds * 1000);
    const settled = await jobs.requeue(claim, outcome.error.toPublic(), dueAt);
    return settled ? { returnAfterSeconds: seconds } : undefined;
  }
  if (outcome.kind === 'released') {
    const settled = await jobs.release(claim);
    return settled ? { returnAfterSeconds: 0 } : undefined;
  }
  return undefined;
}

/** Only a job that was claimed before can have left anything behind. */
async function tidy(pipeline: Pipeline, job: Job): Promise<void> {
  if (job.fence > 1) await pipeline.tidy(job);
}

/** The claim is gone. If the job is over (canceled, erased) so is its message; else it belongs to the next worker. */
async function afterLoss(
  { jobs, pipeline }: RunJobServices,
  job: Job,
): Promise<{ readonly acknowledgement: Acknowledgement; readonly reason?: FailureReason }> {
  await pipeline.discard(job);
  const now = await jobs.get(job.id);
  const status = now?.status ?? 'canceled';
  if (!isTerminal(status)) return { acknowledgement: 'leave' };
  const acknowledgement = { delete: true } as const;
  if (status === 'canceled') return { acknowledgement, reason: 'canceled' };
  return status === 'expired' ? { acknowledgement, reason: 'timeout' } : { acknowledgement };
}

async function acknowledge(
  { queue }: RunJobServices,
  { receipt }: WakeUp,
  what: Acknowledgement,
): Promise<void> {
  if (what === 'leave' || receipt === undefined) return;
  if ('delete' in what) await queue.delete(receipt);
  else await queue.setVisibility(receipt, what.returnAfterSeconds);
}

/** 2, 4, 8 … seconds, at most a minute: long enough for a passing fault, short beside any deadline. */
const backOffSeconds = (attempt: number): number => Math.min(2 ** attempt, 60);
