/**
 * Webhooks: what a client may want to hear of its job, and one delivery of it. The row of a delivery is the truth, as a
 * job's row is: a message in the queue only wakes whoever sends it. See docs/architecture.md, "Webhooks".
 */
import { deriveJobId, type Job, type JobStatus } from './job.ts';

export const webhookEvents = ['job.succeeded', 'job.failed', 'job.canceled', 'job.expired'] as const;

export const webhookEventOf = (status: JobStatus): string => `job.${status}`;

/** Whoever ended this job has still to tell its webhook: see JobStore, where both are one write. */
export const isUntold = ({ open_shard: shard }: Pick<Job, 'open_shard'>): boolean =>
  shard?.startsWith(WEBHOOK_SHARD) === true;

const WEBHOOK_SHARD = 'webhook-';
const SHARDS = 4;

/** Partitions of the index in which lies what has to be told, apart from the open jobs. */
export const webhookShards: readonly string[] = Array.from(
  { length: SHARDS },
  (_, index) => `${WEBHOOK_SHARD}${index}`,
);
export const webhookShardOf = (id: string): string =>
  `${WEBHOOK_SHARD}${id.charCodeAt(id.length - 1) % SHARDS}`;

/** What became of one request to a receiver. Epoch and ISO times as in `Job`. */
export interface DeliveryAttempt {
  readonly at: string;
  readonly duration_ms: number;
  /** HTTP status, where it answered. */
  readonly status?: number;
  /** Absent where the receiver took it. */
  readonly reason?: AttemptReason;
}

/** Why a receiver did not get an event. Clients read these: renaming one breaks them. */
export const attemptReasons = {
  bad_status: 'It did not answer with 2xx.',
  redirect: 'It redirected; redirects are not followed.',
  gone: 'It answered 410: nothing more is sent.',
  timeout: 'It did not answer in time.',
  unreachable: 'It could not be reached.',
  forbidden: 'It leads to an address that is not on the public internet.',
} as const;
export type AttemptReason = keyof typeof attemptReasons;

export const deliveryStates = ['pending', 'delivered', 'failed'] as const;
type DeliveryState = (typeof deliveryStates)[number];

/** A row of the jobs table: one event for one receiver, and how it fares. */
export interface Delivery {
  /** The `webhook-id` of every attempt: what a receiver tells repeats by. */
  readonly delivery_id: string;
  readonly event: string;
  readonly url: string;
  /** The job as it was when this happened. Its links are signed anew for each attempt. */
  readonly job: Job;
  readonly state: DeliveryState;
  readonly created_at: string;
  /** While pending. */
  readonly next_attempt_at?: string;
  /** The last attempt is made then. */
  readonly give_up_at: string;
  /** In a row, since it was created or asked for anew. */
  readonly failures: number;
  /** Grows with every claim: the token of the write that ends the attempt. */
  readonly fence: number;
  /** Epoch milliseconds until which one attempt runs. */
  readonly lease_until?: number;
  /** Oldest first. */
  readonly attempts: readonly DeliveryAttempt[];
  readonly expires_at: number;
}

/** The same for all who find this end of this job: the id of its delivery. */
export const deliveryIdOf = ({ id, status, finished_at = '' }: Job): string =>
  deriveJobId(id, 'webhook', status, finished_at).replace(/^job_/, 'whd_');

export const isDeliveryId = (text: string): boolean => /^whd_[0-9a-z]{24}$/.test(text);

/** The wake-up that travels through SQS: a job whose end is untold, or a delivery that is due. */
export type WebhookMessage =
  | { readonly job_id: string }
  /** `again`: starts a delivery anew that was given up; what is in the dead letters and was put back by hand. */
  | { readonly delivery_id: string; readonly again?: true };
