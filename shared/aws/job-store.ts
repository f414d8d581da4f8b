/**
 * The jobs table: every move of a job's status is one conditional write here, and nowhere else.
 * The conditions (claim-changes.ts, end-changes.ts) are the promises "accepted means durable" and "exactly-once effects":
 * a writer that no longer holds the claim (another fence, another status) changes nothing and is told so.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { PublicError } from '../errors.ts';
import {
  isTerminal,
  type Job,
  type JobEvidence,
  type JobOutput,
  type JobProgress,
  type JobTimings,
  QUARANTINE_AFTER,
} from '../job.ts';
import * as attempt from './claim-changes.ts';
import * as ends from './end-changes.ts';
import { JobRows } from './job-rows.ts';

export type Claim = attempt.Claim;

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

export class JobStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #rows: JobRows;

  /** @param onChange told of every change that was written here, before its writer goes on; must not throw */
  constructor(
    client: DynamoDBDocumentClient,
    table: string,
    onChange: (job: Job) => Promise<void> = async () => {},
  ) {
    this.#client = client;
    this.#table = table;
    this.#rows = new JobRows(client, table, onChange);
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

  get(id: string): Promise<Job | undefined> {
    return this.#rows.get(id);
  }

  /** Notes that the message is in the queue; a job that still waits is then not due before its deadline. */
  async markEnqueued({ id }: Pick<Job, 'id'>, now: Date): Promise<void> {
    const at = { ':at': now.toISOString() };
    const waiting = await this.#rows.change(id, {
      isQuiet: true,
      set: 'SET enqueued_at = :at, sweep_at = deadline_at',
      condition: '#status = :queued',
      values: { ...at, ':queued': 'queued' },
    });
    if (waiting !== undefined) return;
    // A worker was faster; when a running job is due is the claim's to say.
    await this.#rows.change(id, {
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
    const change = attempt.claim(worker, now, leaseUntil, quarantineAfter);
    const claimed = await this.#rows.change(id, change);
    if (claimed !== undefined) return { kind: 'claimed', job: claimed };
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
    return this.claim(id, worker, now, leaseUntil, quarantineAfter);
  }

  /**
   * Takes the count of a claimed job back while it waits for its turn: if the process ends now, the job is not why.
   * @param job as claimed or begun @returns undefined where the claim is lost
   */
  standBy(job: Job): Promise<Job | undefined> {
    return this.#rows.change(job.id, attempt.recount(job, -1));
  }

  /** Counts the job's attempt again, because its work begins. @param job as `standBy` returned it */
  begin(job: Job): Promise<Job | undefined> {
    return this.#rows.change(job.id, attempt.recount(job, 1));
  }

  /** Writes what a job under suspicion is about to do. @returns false where the claim is lost */
  async note(claim: Claim, progress: JobProgress, evidence: JobEvidence): Promise<boolean> {
    return (await this.#rows.change(claim.id, attempt.note(claim, progress, evidence))) !== undefined;
  }

  /** @returns false where the claim is lost: canceled, past its deadline, or taken by another worker. */
  async renew(claim: Claim, leaseUntil: number, now: Date = new Date()): Promise<boolean> {
    return (await this.#rows.change(claim.id, attempt.renew(claim, leaseUntil, now))) !== undefined;
  }

  /** @returns false where the claim is lost; a late report can never revive a job. */
  async report(claim: Claim, progress: JobProgress): Promise<boolean> {
    return (await this.#rows.change(claim.id, attempt.report(claim, progress))) !== undefined;
  }

  /** @returns whether the job has succeeded by this claim, now or in an earlier call. */
  async succeed(claim: Claim, output: JobOutput, timings: JobTimings, now: Date): Promise<boolean> {
    const values = { ':output': output, ':timings': timings };
    const work = attempt.held(claim, 'SET #output = :output, timings = :timings', values);
    if ((await this.#end(claim.id, { ...work, status: 'succeeded', now })) !== undefined) return true;
    // The SDK repeats a write whose answer was lost, and the repeat finds the job ended by the first.
    const job = await this.get(claim.id);
    return job?.status === 'succeeded' && job.fence === claim.fence;
  }

  async fail(claim: Claim, error: PublicError, now: Date): Promise<boolean> {
    const work = attempt.held(claim, 'SET #error = :error', { ':error': error });
    return (await this.#end(claim.id, { ...work, status: 'failed', now })) !== undefined;
  }

  /** Back to the queue after a failure that may pass, due again at `dueAt`; the reason stays visible on the row. */
  async requeue(claim: Claim, error: PublicError, dueAt: Date): Promise<boolean> {
    return (await this.#rows.change(claim.id, attempt.requeue(claim, error, dueAt))) !== undefined;
  }

  /** Back to the queue because the worker shuts down: due at once, and the attempt does not count. */
  async release(claim: Claim, now: Date = new Date()): Promise<boolean> {
    return (await this.#rows.change(claim.id, attempt.release(claim, now))) !== undefined;
  }

  /** Ends an open job from outside its worker. @returns the job as it is now, or undefined if it was not open. */
  end(
    id: string,
    status: 'canceled' | 'expired' | 'failed',
    now: Date,
    error?: PublicError,
  ): Promise<Job | undefined> {
    return this.#end(id, ends.ofOpenJob(status, now, error));
  }

  /** Notes that a webhook's event has a row of its own now. @returns false where it was noted before */
  async markTold(job: Job, deliveryId: string): Promise<boolean> {
    return (await this.#rows.change(job.id, ends.told(job, deliveryId))) !== undefined;
  }

  /** Opens a job that did not succeed for a fresh set of attempts. @returns undefined where it is open, succeeded or untold. */
  reopen(id: string, life: ends.Reopening): Promise<Job | undefined> {
    return this.#rows.change(id, ends.reopen(id, life));
  }

  async erase(id: string): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#table, Key: { id } }));
  }

  /** The last write of a job's life. Whether somebody wants to hear of it is for the row to say, not for the writer. */
  async #end(id: string, end: ends.End): Promise<Job | undefined> {
    const quiet = await this.#rows.change(id, ends.endQuietly(end));
    return quiet ?? this.#rows.change(id, ends.endUntold(id, end));
  }
}
