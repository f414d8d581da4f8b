/**
 * Deliveries to webhooks, in the jobs table: each attempt is a claim, made and ended by one conditional write, so that a
 * message that comes twice sends nothing twice and a sender that dies leaves a delivery that is found again.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { isJobId, type Job } from '../job.ts';
import {
  type Delivery,
  type DeliveryAttempt,
  deliveryIdOf,
  type WebhookMessage,
  webhookEventOf,
  webhookShardOf,
  webhookShards,
} from '../webhook.ts';
import { OPEN_INDEX } from './job-index.ts';

/** From an event, or from being asked for anew, to the last attempt. */
const GIVE_UP_AFTER_MS = 86_400_000;
/** A row outlives its delivery, also where the rows of jobs live shorter. */
const LEAST_LIFE_MS = 3 * GIVE_UP_AFTER_MS;
/** A message that was sent for this time and did not come is sent again after so long. */
const MESSAGE_LOST_MS = 60_000;
/** Two machines do not have the same second. */
const CLOCKS_DIFFER_MS = 1_000;
/** Attempts that a row remembers. */
const REMEMBERED = 30;

/** How an attempt ends. */
export type Verdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly at: Date }
  /** `dead`: nobody said that it should end, so somebody should look. */
  | { readonly kind: 'failed'; readonly dead: boolean };

export class DeliveryStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** A row for the end of a job, due now; the one that is there already, where somebody else was faster. */
  async open(job: Job, now: Date): Promise<Delivery> {
    const id = deliveryIdOf(job);
    const { open_shard: _, sweep_at: _due, deliveries: _told, ...asItWas } = job;
    const delivery: Delivery = {
      delivery_id: id,
      event: webhookEventOf(job.status),
      url: job.webhook?.url ?? '',
      job: asItWas,
      state: 'pending',
      created_at: job.finished_at ?? now.toISOString(),
      next_attempt_at: now.toISOString(),
      give_up_at: isoTime(now.getTime() + GIVE_UP_AFTER_MS),
      failures: 0,
      fence: 0,
      attempts: [],
      expires_at: Math.max(job.expires_at, Math.floor((now.getTime() + LEAST_LIFE_MS) / 1000)),
    };
    const due = { open_shard: webhookShardOf(id), sweep_at: isoTime(now.getTime() + MESSAGE_LOST_MS) };
    try {
      await this.#client.send(
        new PutCommand({
          TableName: this.#table,
          Item: { id: rowOf(id), ...due, ...delivery },
          ConditionExpression: 'attribute_not_exists(id)',
        }),
      );
      return delivery;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return (await this.get(id)) ?? delivery;
    }
  }

  async get(id: string): Promise<Delivery | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id: rowOf(id) }, ConsistentRead: true }),
    );
    return Item as Delivery | undefined;
  }

  /** Takes a due delivery for one attempt. @returns undefined where it is not due, over, or somebody else's */
  async claim(id: string, now: Date, leaseMs: number): Promise<Delivery | undefined> {
    const until = now.getTime() + leaseMs;
    return this.#update(id, {
      set: 'SET lease_until = :until, sweep_at = :due, fence = fence + :one',
      condition: '#state = :pending AND next_attempt_at <= :now AND NOT lease_until > :at',
      values: {
        ':pending': 'pending',
        ':until': until,
        ':due': isoTime(until),
        ':one': 1,
        ':now': isoTime(now.getTime() + CLOCKS_DIFFER_MS),
        ':at': now.getTime(),
      },
    });
  }

  /** Ends the attempt of a claim. @param claimed as `claim` returned it @returns undefined where the claim was lost */
  async settle(claimed: Delivery, attempt: DeliveryAttempt, verdict: Verdict): Promise<Delivery | undefined> {
    const common = {
      ':attempts': [...claimed.attempts, attempt].slice(-REMEMBERED),
      ':state': verdict.kind === 'retry' ? 'pending' : verdict.kind,
      ':fence': claimed.fence,
    };
    const set = 'SET attempts = :attempts, #state = :state';
    const condition = 'fence = :fence AND attribute_exists(lease_until)';
    if (verdict.kind !== 'retry') {
      const over = 'REMOVE lease_until, next_attempt_at, open_shard, sweep_at';
      return this.#update(claimed.delivery_id, { set: `${set} ${over}`, condition, values: common });
    }
    const { at } = verdict;
    return this.#update(claimed.delivery_id, {
      set: `${set}, failures = failures + :one, next_attempt_at = :next, sweep_at = :due REMOVE lease_until`,
      condition,
      values: {
        ...common,
        ':one': 1,
        ':next': at.toISOString(),
        ':due': isoTime(at.getTime() + (isSoon(at, attempt) ? MESSAGE_LOST_MS : 0)),
      },
    });
  }

  /** Due now, with a day before it, whatever became of it. @returns undefined where it is gone or being sent */
  async restart(id: string, now: Date): Promise<Delivery | undefined> {
    return this.#update(id, {
      set:
        'SET #state = :pending, failures = :zero, next_attempt_at = :now, give_up_at = :end, open_shard = :shard, ' +
        'sweep_at = :due REMOVE lease_until',
      condition: 'attribute_exists(id) AND NOT lease_until > :at',
      values: {
        ':pending': 'pending',
        ':zero': 0,
        ':now': now.toISOString(),
        ':end': isoTime(now.getTime() + GIVE_UP_AFTER_MS),
        ':shard': webhookShardOf(id),
        ':due': isoTime(now.getTime() + MESSAGE_LOST_MS),
        ':at': now.getTime(),
      },
    });
  }

  /** What should have been told or sent by now, the oldest of each partition first. */
  async *due(now: Date): AsyncGenerator<WebhookMessage> {
    for (const shard of webhookShards) {
      let start: Record<string, unknown> | undefined;
      do {
        const page = await this.#client.send(
          new QueryCommand({
            TableName: this.#table,
            IndexName: OPEN_INDEX,
            KeyConditionExpression: 'open_shard = :shard AND sweep_at <= :now',
            ExpressionAttributeValues: { ':shard': shard, ':now': now.toISOString() },
            ExclusiveStartKey: start,
          }),
        );
        for (const { id } of page.Items ?? []) yield messageFor(String(id));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
    }
  }

  /** Leaves a due thing alone until `until`, because a message is on its way. @returns whose it is, for the queue */
  async postpone(message: WebhookMessage, until: Date): Promise<Job | undefined> {
    const id = 'job_id' in message ? message.job_id : rowOf(message.delivery_id);
    const row = await this.#updateRow(id, {
      set: 'SET sweep_at = :until',
      condition: 'attribute_exists(sweep_at) AND begins_with(open_shard, :webhook)',
      values: { ':until': until.toISOString(), ':webhook': webhookShards[0]?.slice(0, -1) },
    });
    return (('job_id' in message ? row : row?.job) ?? undefined) as Job | undefined;
  }

  async erase(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.#client.send(new DeleteCommand({ TableName: this.#table, Key: { id: rowOf(id) } }));
    }
  }

  async #update(id: string, change: Change): Promise<Delivery | undefined> {
    return (await this.#updateRow(rowOf(id), change)) as Delivery | undefined;
  }

  async #updateRow(id: string, { set, condition, values }: Change) {
    try {
      const { Attributes } = await this.#client.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: { id },
          UpdateExpression: set,
          ConditionExpression: condition,
          ...(`${set}${condition}`.includes('#state')
            ? { ExpressionAttributeNames: { '#state': 'state' } }
            : {}),
          ExpressionAttributeValues: values,
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }
}

interface Change {
  readonly set: string;
  readonly condition: string;
  readonly values: Record<string, unknown>;
}

/** SQS holds a message back for at most 15 minutes; what is due later is found by the sweeper when it is due. */
const LONGEST_DELAY_MS = 900_000;
export const isSoon = (at: Date, { at: begun }: Pick<DeliveryAttempt, 'at'>): boolean =>
  at.getTime() - Date.parse(begun) <= LONGEST_DELAY_MS;

const PREFIX = 'webhook#';
const rowOf = (id: string): string => `${PREFIX}${id}`;
const messageFor = (row: string): WebhookMessage =>
  isJobId(row) ? { job_id: row } : { delivery_id: row.slice(PREFIX.length) };

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
