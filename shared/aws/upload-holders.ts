/**
 * Which jobs use an uploaded file, in the jobs table: several may, and the file goes with the last of them. A job holds the
 * file before it is looked for, and whoever erases it closes its row first, so no job is accepted on a file that is going.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Job } from '../job.ts';

/** Longer than any function runs: whoever began to erase a file is done by then, or dead. */
const ERASING_MS = 60_000;
/** A row outlives every file that a lifecycle rule keeps for weeks, also where a job on it is run again and again. */
const LIFE_SECONDS = 35 * 86_400;

/** `left`: this job let the file go before. `leaving`: the file is being erased. */
export type HoldOutcome = 'held' | 'leaving' | 'left';

/** One row of a job: another request under the same id holds for itself, and can be let go by itself. */
export const holderOf = ({ id, request_hash: hash }: Pick<Job, 'id' | 'request_hash'>): string =>
  `${id}/${hash}`;

export class UploadHolders {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /**
   * Keeps the file until the holder is released. A repeat changes nothing.
   * @param options.once refused where the holder was released before: an event that comes late must not revive its job
   */
  async hold(
    key: string,
    holder: string,
    now: Date,
    { once = false }: { readonly once?: boolean } = {},
  ): Promise<HoldOutcome> {
    const row = await this.#update(key, {
      UpdateExpression: 'SET expires_at = :expires REMOVE erasing_until ADD holders :set',
      ConditionExpression:
        '(attribute_not_exists(erasing_until) OR erasing_until < :now)' +
        (once ? ' AND NOT contains(released, :holder)' : ''),
      ExpressionAttributeValues: {
        ':set': new Set([holder]),
        ':now': now.getTime(),
        ':expires': expiry(now),
        ...(once ? { ':holder': holder } : {}),
      },
    });
    if (row !== undefined) return 'held';
    if (!once) return 'leaving';
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id: rowOf(key) }, ConsistentRead: true }),
    );
    return (Item?.released as Set<string> | undefined)?.has(holder) === true ? 'left' : 'leaving';
  }

  /**
   * @returns whether nobody holds the file any more. Then nobody can for a minute, or until it is forgotten: time to erase it.
   */
  async release(key: string, holder: string, now: Date): Promise<boolean> {
    const closed = await this.#update(key, {
      UpdateExpression: 'SET erasing_until = :until, expires_at = :expires REMOVE holders',
      ConditionExpression:
        'attribute_not_exists(holders) OR (contains(holders, :holder) AND size(holders) = :one)',
      ExpressionAttributeValues: {
        ':until': now.getTime() + ERASING_MS,
        ':expires': expiry(now),
        ':holder': holder,
        ':one': 1,
      },
    });
    if (closed !== undefined) return true;
    const left = await this.#update(key, {
      UpdateExpression: 'DELETE holders :set ADD released :set',
      ExpressionAttributeValues: { ':set': new Set([holder]) },
    });
    // The others left between the two writes.
    return left?.holders === undefined ? this.release(key, holder, now) : false;
  }

  /** Another file may come under this key; one that is held by now is left alone. */
  async forget(key: string): Promise<void> {
    const command = new DeleteCommand({
      TableName: this.#table,
      Key: { id: rowOf(key) },
      ConditionExpression: 'attribute_not_exists(holders)',
    });
    await this.#client.send(command).catch((error: unknown) => {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    });
  }

  /** @returns the row after the write, or undefined where the condition did not hold. */
  async #update(
    key: string,
    change: Pick<
      UpdateCommandInput,
      'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'
    >,
  ) {
    try {
      const { Attributes } = await this.#client.send(
        new UpdateCommand({
          ...change,
          TableName: this.#table,
          Key: { id: rowOf(key) },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }
}

const rowOf = (key: string): string => `upload#${key}`;
const expiry = (now: Date): number => Math.floor(now.getTime() / 1000) + LIFE_SECONDS;
