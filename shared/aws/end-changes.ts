/**
 * The writes at the end of a job's life, with the outbox of its webhook: the end and the note that it is untold are one
 * write, so no crash fits in between.
 */
import { type Job, openShardOf } from '../job.ts';
import { webhookEventOf, webhookShardOf } from '../webhook.ts';
import { isoTime, type RowChange } from './job-rows.ts';

const LEAVE_OPEN = 'REMOVE open_shard, sweep_at, lease_until, unreported, progress';
/** The job goes from the index of open jobs straight to that of what is untold. */
const STAY_UNTOLD = ', open_shard = :untold, sweep_at = :tellBy REMOVE lease_until, unreported, progress';
/** An end that nobody told a webhook of is found after this long. */
const TELL_WITHIN_MS = 60_000;
const REPORTABLE = 'contains(webhook.events, :event)';

/** An end as a write begins it, before the row has said who wants to hear of it. */
export interface End {
  readonly status: Job['status'];
  readonly now: Date;
  /** What else is written, in an expression that begins with `SET `; empty for nothing. */
  readonly set: string;
  readonly condition: string;
  readonly values: RowChange['values'];
}

/** From outside the job's worker. */
export const ofOpenJob = (status: Job['status'], now: Date, error: unknown): End => ({
  status,
  now,
  set: error === undefined ? '' : 'SET #error = :error',
  condition: '#status IN (:queued, :running)',
  values: { ':queued': 'queued', ':running': 'running', ...(error === undefined ? {} : { ':error': error }) },
});

/** Where the row asks to tell nobody. */
export const endQuietly = (end: End): RowChange => ({
  set: `${setEnd(end)} ${LEAVE_OPEN}`,
  condition: `${end.condition} AND (attribute_not_exists(webhook) OR NOT ${REPORTABLE})`,
  values: endValues(end),
});

/** Where the row asks to tell somebody. */
export const endUntold = (id: string, end: End): RowChange => ({
  set: `${setEnd(end)}${STAY_UNTOLD}`,
  condition: `${end.condition} AND ${REPORTABLE}`,
  values: {
    ...endValues(end),
    ':untold': webhookShardOf(id),
    ':tellBy': isoTime(end.now.getTime() + TELL_WITHIN_MS),
  },
});

const setEnd = ({ set }: End): string =>
  `SET #status = :ended, finished_at = :at${set === '' ? '' : set.replace('SET ', ', ')}`;
const endValues = ({ status, now, values }: End): RowChange['values'] => ({
  ...values,
  ':ended': status,
  ':at': now.toISOString(),
  ':event': webhookEventOf(status),
});

export const told = ({ id, finished_at: at }: Job, deliveryId: string): RowChange => ({
  isQuiet: true,
  set: 'SET deliveries = list_append(if_not_exists(deliveries, :none), :delivery) REMOVE open_shard, sweep_at',
  condition: 'begins_with(open_shard, :untold) AND finished_at = :at',
  values: { ':none': [], ':delivery': [deliveryId], ':untold': webhookShardOf(id), ':at': at },
});

/** The life of a job that is opened again. */
export interface Reopening {
  readonly deadlineAt: string;
  readonly sweepAt: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

export const reopen = (id: string, { deadlineAt, sweepAt, expiresAt }: Reopening): RowChange => ({
  set:
    'SET #status = :queued, attempt = :zero, deadline_at = :deadline, open_shard = :shard, sweep_at = :sweep, ' +
    'expires_at = :expires ' +
    'REMOVE #error, #output, model_version, timings, started_at, finished_at, enqueued_at, worker, evidence',
  condition: '#status IN (:failed, :expired, :canceled) AND attribute_not_exists(open_shard)',
  values: {
    ':queued': 'queued',
    ':zero': 0,
    ':deadline': deadlineAt,
    ':shard': openShardOf(id),
    ':sweep': sweepAt,
    ':expires': expiresAt,
    ':failed': 'failed',
    ':expired': 'expired',
    ':canceled': 'canceled',
  },
});
