/**
 * One row of the jobs table: read, or changed by one conditional write. Every change raises `seq` and is told to whoever
 * listens, so nobody can hear anything else than what the table says.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Job } from '../job.ts';

/** A conditional write in DynamoDB's expressions, where `#status`, `#error` and `#output` stand for the reserved words. */
export interface RowChange {
  /** Nothing that a listener would see. */
  readonly isQuiet?: boolean;
  readonly set: string;
  readonly condition: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const NAMES = { '#status': 'status', '#error': 'error', '#output': 'output' };

export class JobRows {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #onChange: (job: Job) => Promise<void>;

  /** @param onChange told of every change that was written here, before its writer goes on; must not throw */
  constructor(client: DynamoDBDocumentClient, table: string, onChange: (job: Job) => Promise<void>) {
    this.#client = client;
    this.#table = table;
    this.#onChange = onChange;
  }

  async get(id: string): Promise<Job | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id }, ConsistentRead: true }),
    );
    return Item as Job | undefined;
  }

  /** @returns the row after the write, or undefined where the condition did not hold. */
  async change(id: string, { set, condition, values, isQuiet = false }: RowChange): Promise<Job | undefined> {
    const used = Object.entries(NAMES).filter(([alias]) => `${set} ${condition}`.includes(alias));
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

export const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
