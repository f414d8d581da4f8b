/**
 * Reading many jobs: a tenant's list, and the open jobs that are due for the sweeper.
 * Both go through an index that holds only what they need, so neither ever scans the table.
 */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { OutboardError } from '../errors.ts';
import { isJobId, type Job, type JobStatus, openShards } from '../job.ts';

export const TENANT_INDEX = 'by-tenant';
export const OPEN_INDEX = 'by-open';

export interface JobPage {
  readonly jobs: Job[];
  /** Opaque; give it back to read on. Absent on the last page. */
  readonly cursor?: string;
}

interface ListOptions {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly status?: JobStatus | undefined;
}

export class JobIndex {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** A tenant's jobs, newest first. With `status` a page may hold fewer than `limit` jobs and still have a cursor. */
  async list(tenant: string, { limit, cursor, status }: ListOptions): Promise<JobPage> {
    const start = cursor === undefined ? undefined : readCursor(cursor, tenant);
    const { Items, LastEvaluatedKey } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        IndexName: TENANT_INDEX,
        KeyConditionExpression: 'tenant = :tenant',
        ...(status === undefined
          ? { ExpressionAttributeValues: { ':tenant': tenant } }
          : {
              FilterExpression: '#status = :status',
              ExpressionAttributeNames: { '#status': 'status' },
              ExpressionAttributeValues: { ':tenant': tenant, ':status': status },
            }),
        ExclusiveStartKey: start,
        ScanIndexForward: false,
        Limit: limit,
      }),
    );
    const jobs = (Items ?? []) as Job[];
    return LastEvaluatedKey === undefined ? { jobs } : { jobs, cursor: writeCursor(LastEvaluatedKey) };
  }

  /** Ids of open jobs whose `sweep_at` has passed. */
  async *due(now: Date): AsyncGenerator<string> {
    for (const shard of openShards) {
      let start: Record<string, unknown> | undefined;
      do {
        const { Items, LastEvaluatedKey } = await this.#client.send(
          new QueryCommand({
            TableName: this.#table,
            IndexName: OPEN_INDEX,
            KeyConditionExpression: 'open_shard = :shard AND sweep_at <= :now',
            ExpressionAttributeValues: { ':shard': shard, ':now': now.toISOString() },
            ExclusiveStartKey: start,
          }),
        );
        for (const item of Items ?? []) yield String(item.id);
        start = LastEvaluatedKey;
      } while (start !== undefined);
    }
  }
}

const writeCursor = (key: Record<string, unknown>): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

/** A cursor is the index key it continues from; one that names another tenant was tampered with. */
function readCursor(cursor: string, tenant: string): Record<string, unknown> {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (key !== null && typeof key === 'object' && 'id' in key && 'created_at' in key && 'tenant' in key) {
      const { id, created_at, tenant: owner } = key;
      const isTime = typeof created_at === 'string' && new Date(created_at).toISOString() === created_at;
      if (typeof id === 'string' && isJobId(id) && isTime && owner === tenant)
        return { id, created_at, tenant };
    }
  } catch {
    // Falls through: a cursor that is not ours is the client's mistake.
  }
  throw new OutboardError('invalid_request', {
    detail: 'cursor is not one that this list gave.',
    field: 'cursor',
  });
}
