/**
 * The jobs table: every move of a job's status is one conditional write here, and nowhere else.
 * The conditions are the promises "accepted means durable" and "exactly-once effects": a writer that no longer
 * holds the claim (another fence, another status) changes nothing and is told so.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { PublicError } from '../errors.ts';
import {
  isTerminal,
  type Job,
  type JobEvidence,
  type JobOutput,
  type JobProgress,
  type JobTimings,
  openShardOf,
  QUARANTINE_AFTER,
} from '../job.ts';
import { webhookEventOf, webhookShardOf } from '../webhook.ts';

/** What a claim found. Only `claimed` may work on the job. */
export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly job: Job }
  | { readonly kind: 'leased'; readonly leaseUntil: number }
  | { readonly kind: 'finished'; readonly job: Job }
  | { readonly kind: 'exhausted'; readonly job: Job }
  /** It ended the worker's process too often. */
  | { readonly kind: 'quarantined'; readonly job: Job }
  | { readonly kind: 'overdue'; readonly job: Job }
  | { readonly kind: 'missing' };

/** The proof of a claim that each later write carries. */
export interface Claim {
  readonly id: string;
  readonly fence: number;
  /** `name@version` that the attempt runs, once it is known: each write carries it, and the first one fixes it. */
  readonly modelVersion?: string;
}

const CLAIMABLE = '(#status = :queued OR (#status = :running AND lease_until < :now))';
const HELD = '#status = :running AND fence = :fence';
const OPEN = '#status IN (:queued, :running)';
/** The attempt's end is reported: the worker lives. Rows that were begun before this was counted have no number. */
const REPORTED = 'unreported = if_not_exists(unreported, :one) - :one';
const LEAVE_OPEN = 'REMOVE open_shard, sweep_at, lease_until, unreported, progress';
/** The job goes from the index of open jobs straight to that of what is untold: no crash fits in between. */
const STAY_UNTOLD = ', open_shard = :untold, sweep_at = :tellBy REMOVE lease_until, unreported, progress';
/** An end that nobody told a webhook of is found after this long. */
const TELL_WITHIN_MS = 60_000;
const REPORTABLE = 'contains(webhook.events, :event)';

interface Update {
  /** Nothing that a listener would see. */
  readonly isQuiet?: boolean;
  readonly set: string;
  readonly condition: string;
  readonly values: Record<string, unknown>;
}

export class JobStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #onChange: (job: Job) => Promise<void>;

  /** @param onChange told of every change that was written here, before its writer goes on; must not throw */
  constructor(
    client: DynamoDBDocumentClient,
    table: string,
    onChange: (job: Job) => Promise<void> = async () => {},
  ) {
    this.#client = client;
    this.#table = table;
    this.#onChange = onChange;
  }

  /** Writes a new row; where one of that id is there already, returns that one untouched. */
  async create(job: Job): Promise<{ readonly created: boolean; readonly job: Job }> {
    try {
      await this.#client.send(
        new PutCommand({
          TableName: this.#table,
          Item: job,
          ConditionExpression: 'attribute_not_exists(id)',
        }),
      );
      return { created: true, job };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const existing = await this.get(job.id);
      // Erased between the two calls: the id is free again.
      return existing === undefined ? this.create(job) : { created: false, job: existing };
    }
  }

  async get(id: string): Promise<Job | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id }, ConsistentRead: true }),
    );
    return Item as Job | undefined;
  }

  /** Notes that the message is in the queue; a job that still waits is then not due before its deadline. */
  async markEnqueued({ id }: Pick<Job, 'id'>, now: Date): Promise<void> {
    const at = { ':at': now.toISOString() };
    const waiting = await this.#update(id, {
      isQuiet: true,
      set: 'SET enqueued_at = :at, sweep_at = deadline_at',
      condition: '#status = :queued',
      values: { ...at, ':queued': 'queued' },
    });
    if (waiting !== undefined) return;
    // A worker was faster; when a running job is due is the claim's to say.
    await this.#update(id, {
      isQuiet: true,
      set: 'SET enqueued_at = :at',
      condition: '#status = :running',
      values: { ...at, ':running': 'running' },
    });
  }

  /**
   * Takes the job for one attempt, counted now.
   * @param leaseUntil epoch milliseconds
   * @param quarantineAfter workers that did not survive the job, after which no other gets it
   */
  async claim(
    id: string,
    worker: string,
    now: Date,
    leaseUntil: number,
    quarantineAfter = QUARANTINE_AFTER,
  ): Promise<ClaimOutcome> {
    const claimed = await this.#update(id, {
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
    if (claimed !== undefined) return { kind: 'claimed', job: claimed };
    return this.#whyNotClaimed(id, worker, now, leaseUntil, quarantineAfter);
  }

  async #whyNotClaimed(...asked: Required<Parameters<JobStore['claim']>>): Promise<ClaimOutcome> {
    const [id, , now, , quarantineAfter] = asked;
    const job = await this.get(id);
    if (job === undefined) return { kind: 'missing' };
    if (isTerminal(job.status)) return { kind: 'finished', job };
    if (job.deadline_at <= now.toISOString()) return { kind: 'overdue', job };
    if (job.status === 'running' && (job.lease_until ?? 0) >= now.getTime()) {
      return { kind: 'leased', leaseUntil: job.lease_until ?? now.getTime() };
    }
    if ((job.unreported ?? 0) >= quarantineAfter) return { kind: 'quarantined', job };
    if (job.attempt >= job.max_attempts) return { kind: 'exhausted', job };
    // It changed between the write and the read and can be claimed now.
    return this.claim(...asked);
  }

  /**
   * Takes the count of a claimed job back while it waits for its turn: if the process ends now, the job is not why.
   * @param job as claimed or begun @returns undefined where the claim is lost
   */
  standBy(job: Job): Promise<Job | undefined> {
    return this.#recount(job, -1);
  }

  /** Counts the job's attempt again, because its work begins. @param job as `standBy` returned it */
  begin(job: Job): Promise<Job | undefined> {
    return this.#recount(job, 1);
  }

  /** On the number that is expected only, so that a repeat by the SDK counts nothing twice. */
  #recount({ id, fence, unreported = 0 }: Job, by: 1 | -1): Promise<Job | undefined> {
    return this.#update(id, {
      set: 'SET attempt = attempt + :by, unreported = unreported + :by',
      condition: `${HELD} AND unreported = :expected`,
      values: { ':running': 'running', ':fence': fence, ':by': by, ':expected': unreported },
    });
  }

  /** Writes what a job under suspicion is about to do. @returns false where the claim is lost */
  async note(claim: Claim, progress: JobProgress, evidence: JobEvidence): Promise<boolean> {
    const values = { ':progress': progress, ':evidence': evidence };
    return (
      (await this.#whileHeld(claim, 'SET progress = :progress, evidence = :evidence', values)) !== undefined
    );
  }

  /** @returns false where the claim is lost: canceled, past its deadline, or taken by another worker. */
  async renew(claim: Claim, leaseUntil: number, now: Date = new Date()): Promise<boolean> {
    const renewed = await this.#update(claim.id, {
      isQuiet: true,
      set: withVersion('SET lease_until = :until, sweep_at = :due', claim),
      condition: `${HELD} AND deadline_at > :at`,
      values: {
        ...versionValue(claim),
        ':until': leaseUntil,
        ':due': isoTime(leaseUntil),
        ':at': now.toISOString(),
        ':running': 'running',
        ':fence': claim.fence,
      },
    });
    return renewed !== undefined;
  }

  /** @returns false where the claim is lost; a late report can never revive a job. */
  async report(claim: Claim, progress: JobProgress): Promise<boolean> {
    return (
      (await this.#whileHeld(claim, 'SET progress = :progress', { ':progress': progress })) !== undefined
    );
  }

  /** @returns whether the job has succeeded by this claim, now or in an earlier call. */
  async succeed(claim: Claim, output: JobOutput, timings: JobTimings, now: Date): Promise<boolean> {
    const values = { ':output': output, ':timings': timings };
    const set = ', #output = :output, timings = :timings';
    if ((await this.#endHeld(claim, 'succeeded', set, values, now)) !== undefined) return true;
    // The SDK repeats a write whose answer was lost, and the repeat finds the job ended by the first.
    const job = await this.get(claim.id);
    return job?.status === 'succeeded' && job.fence === claim.fence;
  }

  async fail(claim: Claim, error: PublicError, now: Date): Promise<boolean> {
    const values = { ':error': error };
    return (await this.#endHeld(claim, 'failed', ', #error = :error', values, now)) !== undefined;
  }

  /** Back to the queue after a failure that may pass, due again at `dueAt`; the reason stays visible on the row. */
  async requeue(claim: Claim, error: PublicError, dueAt: Date): Promise<boolean> {
    const set = `SET #status = :queued, #error = :error, sweep_at = :due, ${REPORTED} REMOVE lease_until, progress, worker`;
    const values = { ':queued': 'queued', ':error': error, ':due': dueAt.toISOString(), ':one': 1 };
    return (await this.#whileHeld(claim, set, values)) !== undefined;
  }

  /** Back to the queue because the worker shuts down: due at once, and the attempt does not count. */
  async release(claim: Claim, now: Date = new Date()): Promise<boolean> {
    const set =
      `SET #status = :queued, attempt = attempt - :one, sweep_at = :due, ${REPORTED} ` +
      'REMOVE lease_until, progress, worker';
    const values = { ':queued': 'queued', ':one': 1, ':due': now.toISOString() };
    return (await this.#whileHeld(claim, set, values)) !== undefined;
  }

  /** Ends an open job from outside its worker. @returns the job as it is now, or undefined if it was not open. */
  async end(
    id: string,
    status: 'canceled' | 'expired' | 'failed',
    now: Date,
    error?: PublicError,
  ): Promise<Job | undefined> {
    return this.#end(id, {
      status,
      now,
      set: error === undefined ? '' : ', #error = :error',
      condition: OPEN,
      values: { ':queued': 'queued', ':running': 'running', ...(error && { ':error': error }) },
    });
  }

  /** Notes that a webhook's event has a row of its own now. @returns false where it was noted before */
  async markTold(job: Job, deliveryId: string): Promise<boolean> {
    const told = await this.#update(job.id, {
      isQuiet: true,
      set: 'SET deliveries = list_append(if_not_exists(deliveries, :none), :delivery) REMOVE open_shard, sweep_at',
      condition: 'begins_with(open_shard, :untold) AND finished_at = :at',
      values: {
        ':none': [],
        ':delivery': [deliveryId],
        ':untold': webhookShardOf(job.id),
        ':at': job.finished_at,
      },
    });
    return told !== undefined;
  }

  /** Opens a job that did not succeed for a fresh set of attempts. @returns undefined where it is open, succeeded or untold. */
  async reopen(
    id: string,
    { deadlineAt, sweepAt, expiresAt }: { deadlineAt: string; sweepAt: string; expiresAt: number },
  ): Promise<Job | undefined> {
    return this.#update(id, {
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
  }

  async erase(id: string): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#table, Key: { id } }));
  }

  #endHeld(
    claim: Claim,
    status: Job['status'],
    set: string,
    values: Record<string, unknown>,
    now: Date,
  ): Promise<Job | undefined> {
    const held = { ...versionValue(claim), ':running': 'running', ':fence': claim.fence };
    const more = claim.modelVersion === undefined ? set : `, ${FIX_VERSION}${set}`;
    return this.#end(claim.id, { status, now, set: more, condition: HELD, values: { ...values, ...held } });
  }

  /** The last write of a job's life. Whether somebody wants to hear of it is for the row to say, not for the writer. */
  async #end(
    id: string,
    { status, now, set, condition, values }: Update & { readonly status: Job['status']; readonly now: Date },
  ): Promise<Job | undefined> {
    const ended = `SET #status = :ended, finished_at = :at${set}`;
    const known = {
      ...values,
      ':ended': status,
      ':at': now.toISOString(),
      ':event': webhookEventOf(status),
    };
    const quiet = await this.#update(id, {
      set: `${ended} ${LEAVE_OPEN}`,
      condition: `${condition} AND (attribute_not_exists(webhook) OR NOT ${REPORTABLE})`,
      values: known,
    });
    if (quiet !== undefined) return quiet;
    return this.#update(id, {
      set: `${ended}${STAY_UNTOLD}`,
      condition: `${condition} AND ${REPORTABLE}`,
      values: {
        ...known,
        ':untold': webhookShardOf(id),
        ':tellBy': isoTime(now.getTime() + TELL_WITHIN_MS),
      },
    });
  }

  #whileHeld(claim: Claim, set: string, values: Record<string, unknown>): Promise<Job | undefined> {
    return this.#update(claim.id, {
      set: withVersion(set, claim),
      condition: HELD,
      values: { ...values, ...versionValue(claim), ':running': 'running', ':fence': claim.fence },
    });
  }

  /** @returns the row after the write, or undefined where the condition did not hold. */
  async #update(id: string, { set, condition, values, isQuiet = false }: Update): Promise<Job | undefined> {
    const names = { '#status': 'status', '#error': 'error', '#output': 'output' };
    const used = Object.entries(names).filter(([alias]) => set.includes(alias) || condition.includes(alias));
    try {
      const { Attributes } = await this.#client.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: { id },
          UpdateExpression: `${set} ADD seq :step`,
          ConditionExpression: condition,
          ...(used.length === 0 ? {} : { ExpressionAttributeNames: Object.fromEntries(used) }),
          ExpressionAttributeValues: { ...values, ':step': 1 },
          ReturnValues: 'ALL_NEW',
        }),
      );
      const job = Attributes as Job;
      if (!isQuiet) await this.#onChange(job);
      return job;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }
}

const FIX_VERSION = 'model_version = if_not_exists(model_version, :version)';
/** @param set that begins with `SET ` */
const withVersion = (set: string, { modelVersion }: Claim): string =>
  modelVersion === undefined ? set : set.replace('SET ', `SET ${FIX_VERSION}, `);
const versionValue = ({ modelVersion }: Claim) =>
  modelVersion === undefined ? {} : { ':version': modelVersion };

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
