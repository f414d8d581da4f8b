/**
 * Who listens to which job: one row a connection, listed by the index of open things under its job. The job's own row
 * carries until when anybody may listen, so that a job nobody watches costs nothing.
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
import type { Job } from '../job.ts';
import { OPEN_INDEX } from './job-index.ts';

/** API Gateway ends a connection after two hours. */
const LONGEST_CONNECTION_S = 2 * 3_600;

export class ChannelStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** @returns the job that is listened to from now on, or undefined where it is gone */
  async subscribe(jobId: string, connection: string, now: Date): Promise<Job | undefined> {
    const until = Math.floor(now.getTime() / 1000) + LONGEST_CONNECTION_S;
    // First the connection, then the mark that makes writers look for it: never the other way round.
    await this.#client.send(
      new PutCommand({
        TableName: this.#table,
        Item: {
          id: rowOf(connection),
          open_shard: shardOf(jobId),
          sweep_at: now.toISOString(),
          job_id: jobId,
          expires_at: until,
        },
      }),
    );
    try {
      const { Attributes } = await this.#client.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: { id: jobId },
          UpdateExpression: 'SET watched_until = :until',
          ConditionExpression: 'attribute_exists(id)',
          ExpressionAttributeValues: { ':until': until },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return Attributes as Job;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      await this.leave(connection);
      return undefined;
    }
  }

  /** The job that a connection listens to. */
  async jobOf(connection: string): Promise<string | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id: rowOf(connection) } }),
    );
    return Item?.job_id as string | undefined;
  }

  async connectionsOf(jobId: string): Promise<string[]> {
    const { Items } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        IndexName: OPEN_INDEX,
        KeyConditionExpression: 'open_shard = :job',
        ExpressionAttributeValues: { ':job': shardOf(jobId) },
      }),
    );
    return (Items ?? []).map(({ id }) => String(id).slice(rowOf('').length));
  }

  async leave(connection: string): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#table, Key: { id: rowOf(connection) } }));
  }
}

const rowOf = (connection: string): string => `connection#${connection}`;
const shardOf = (jobId: string): string => `channel#${jobId}`;
