/**
 * The writes of an attempt, from its claim to its way back to the queue. Each but the claim itself needs the claim's
 * fence: a writer that lost it changes nothing.
 */
import type { PublicError } from '../errors.ts';
import type { Job, JobEvidence, JobProgress } from '../job.ts';
import { isoTime, type RowChange } from './job-rows.ts';

/** The proof of a claim that each later write carries. */
export interface Claim {
  readonly id: string;
  readonly fence: number;
  /** `name@version` that the attempt runs, once it is known: each write carries it, and the first one fixes it. */
  readonly modelVersion?: string;
}

const CLAIMABLE = '(#status = :queued OR (#status = :running AND lease_until < :now))';
const HELD = '#status = :running AND fence = :fence';
const FIX_VERSION = 'model_version = if_not_exists(model_version, :version)';
/** The attempt's end is reported: the worker lives. Rows that were begun before this was counted have no number. */
const REPORTED = 'unreported = if_not_exists(unreported, :one) - :one';

/** A write of whoever holds the claim. @param set that begins with `SET ` */
export function held(
  { fence, modelVersion }: Claim,
  set: string,
  values: RowChange['values'],
  more: Pick<RowChange, 'isQuiet'> & { readonly condition?: string } = {},
): RowChange {
  const { condition, ...rest } = more;
  return {
    ...rest,
    set: modelVersion === undefined ? set : set.replace('SET ', `SET ${FIX_VERSION}, `),
    condition: condition === undefined ? HELD : `${HELD} AND ${condition}`,
    values: {
      ...values,
      ...(modelVersion === undefined ? {} : { ':version': modelVersion }),
      ':running': 'running',
      ':fence': fence,
    },
  };
}

/** @param leaseUntil epoch milliseconds */
export const claim = (worker: string, now: Date, leaseUntil: number, quarantineAfter: number): RowChange => ({
  set:
    'SET #status = :running, worker = :worker, lease_until = :until, sweep_at = :due, started_at = :at, ' +
    'attempt = attempt + :one, fence = fence + :one, unreported = if_not_exists(unreported, :zero) + :one ' +
    'REMOVE progress, #error',
  condition:
    `${CLAIMABLE} AND attempt < max_attempts AND deadline_at > :at ` +
    'AND (attribute_not_exists(unreported) OR unreported < :quarantine)',
  values: {
    ':queued': 'queued',
    ':running': 'running',
    ':now': now.getTime(),
    ':at': now.toISOString(),
    ':worker': worker,
    ':until': leaseUntil,
    ':due': isoTime(leaseUntil),
    ':zero': 0,
    ':one': 1,
    ':quarantine': quarantineAfter,
  },
});

/** On the number that is expected only, so that a repeat by the SDK counts nothing twice. */
export const recount = ({ id, fence, unreported = 0 }: Job, by: 1 | -1): RowChange =>
  held(
    { id, fence },
    'SET attempt = attempt + :by, unreported = unreported + :by',
    { ':by': by, ':expected': unreported },
    { condition: 'unreported = :expected' },
  );

export const note = (by: Claim, progress: JobProgress, evidence: JobEvidence): RowChange =>
  held(by, 'SET progress = :progress, evidence = :evidence', {
    ':progress': progress,
    ':evidence': evidence,
  });

export const renew = (by: Claim, leaseUntil: number, now: Date): RowChange =>
  held(
    by,
    'SET lease_until = :until, sweep_at = :due',
    { ':until': leaseUntil, ':due': isoTime(leaseUntil), ':at': now.toISOString() },
    { isQuiet: true, condition: 'deadline_at > :at' },
  );

export const report = (by: Claim, progress: JobProgress): RowChange =>
  held(by, 'SET progress = :progress', { ':progress': progress });

export const requeue = (by: Claim, error: PublicError, dueAt: Date): RowChange =>
  held(
    by,
    `SET #status = :queued, #error = :error, sweep_at = :due, ${REPORTED} REMOVE lease_until, progress, worker`,
    { ':queued': 'queued', ':error': error, ':due': dueAt.toISOString(), ':one': 1 },
  );

export const release = (by: Claim, now: Date): RowChange =>
  held(
    by,
    `SET #status = :queued, attempt = attempt - :one, sweep_at = :due, ${REPORTED} ` +
      'REMOVE lease_until, progress, worker',
    { ':queued': 'queued', ':one': 1, ':due': now.toISOString() },
  );
