/**
 * Reading many jobs: a tenant's list, and the open jobs that are due for the sweeper.
 * Both go through an index that holds only what they need, so neither ever scans the table.
 */
import { type DynamoDBDocumentClient, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type ErrorCode, OutboardError } from '../errors.ts';
import { isJobId, type Job, type JobStatus, openShards } from '../job.ts';

export const TENANT_INDEX = 'by-tenant';
export const OPEN_INDEX = 'by-open';
/** What the index of open jobs holds beside its keys: enough to sum up the work without reading a row. */
export const OPEN_INDEX_ATTRIBUTES = ['status', 'work_seconds', 'created_at'] as const;

export interface JobPage {
  readonly jobs: Job[];
  /** Opaque; give it back to read on. Absent on the last page. */
  readonly cursor?: string;
}

/** All open jobs together. */
export interface OpenWork {
  readonly jobs: number;
  readonly queued: number;
  /** Predicted device seconds. */
  readonly seconds: number;
}

/** What stands before one queued job. */
export interface Ahead {
  readonly queued: number;
  /** Predicted device seconds of the queued jobs and of those that run. */
  readonly seconds: number;
  /** False where there is more ahead than was counted. */
  readonly complete: boolean;
}

interface OpenItem {
  readonly id: string;
  readonly status: JobStatus;
  readonly created_at: string;
  readonly work_seconds?: number;
}

/** Of each partition of open jobs; a position beyond four times this is told as "at least". */
const MOST_AHEAD = 500;

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
      for await (const { id } of this.#open(shard, now.toISOString())) yield id;
    }
  }

  /** Sums up every open job. The index follows the table by some milliseconds: a job just made may be missing. */
  async openWork(): Promise<OpenWork> {
    const sums = await Promise.all(
      openShards.map(async (shard) => {
        const sum = { jobs: 0, queued: 0, seconds: 0 };
        for await (const { status, work_seconds } of this.#open(shard)) {
          sum.jobs += 1;
          sum.queued += status === 'queued' ? 1 : 0;
          sum.seconds += work_seconds ?? 0;
        }
        return sum;
      }),
    );
    return sums.reduce((total, sum) => ({
      jobs: total.jobs + sum.jobs,
      queued: total.queued + sum.queued,
      seconds: total.seconds + sum.seconds,
    }));
  }

  /** What stands before a queued job: jobs that run, and those that were queued earlier. */
  async ahead({ id, created_at, sweep_at }: Pick<Job, 'id' | 'created_at' | 'sweep_at'>): Promise<Ahead> {
    const counts = await Promise.all(
      openShards.map(async (shard) => {
        const count = { queued: 0, seconds: 0, seen: 0 };
        // A queued job is due at its deadline, so those before it in the index were accepted before it.
        for await (const item of this.#open(shard, sweep_at)) {
          if (count.seen === MOST_AHEAD) return { ...count, complete: false };
          count.seen += 1;
          if (item.id === id || (item.status === 'queued' && item.created_at > created_at)) continue;
          count.queued += item.status === 'queued' ? 1 : 0;
          count.seconds += item.work_seconds ?? 0;
        }
        return { ...count, complete: true };
      }),
    );
    return counts.reduce((total, count) => ({
      seen: 0,
      queued: total.queued + count.queued,
      seconds: total.seconds + count.seconds,
      complete: total.complete && count.complete,
    }));
  }

  /**
   * Failed jobs of all tenants, by the code they failed with. Reads the whole table, which costs by its size: for an
   * operator's command, never for a request.
   */
  async failed(codes: readonly ErrorCode[], since: Date): Promise<Job[]> {
    const jobs: Job[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const { Items, LastEvaluatedKey } = await this.#client.send(
        new ScanCommand({
          TableName: this.#table,
          FilterExpression: `#status = :failed AND finished_at >= :since AND #error.#code IN (${codes.map((_, index) => `:code${index}`).join(', ')})`,
          ExpressionAttributeNames: { '#status': 'status', '#error': 'error', '#code': 'code' },
          ExpressionAttributeValues: {
            ':failed': 'failed',
            ':since': since.toISOString(),
            ...Object.fromEntries(codes.map((code, index) => [`:code${index}`, code])),
          },
          ExclusiveStartKey: start,
        }),
      );
      jobs.push(...((Items ?? []) as Job[]));
      start = LastEvaluatedKey;
    } while (start !== undefined);
    return jobs.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  }

  /** @param until ISO time of `sweep_at`; without it everything that is open */
  async *#open(shard: string, until?: string): AsyncGenerator<OpenItem> {
    let start: Record<string, unknown> | undefined;
    do {
      const { Items, LastEvaluatedKey } = await this.#client.send(
        new QueryCommand({
          TableName: this.#table,
          IndexName: OPEN_INDEX,
          KeyConditionExpression: `open_shard = :shard${until === undefined ? '' : ' AND sweep_at <= :until'}`,
          ExpressionAttributeValues: { ':shard': shard, ...(until === undefined ? {} : { ':until': until }) },
          ExclusiveStartKey: start,
        }),
      );
      for (const item of Items ?? []) yield item as OpenItem;
      start = LastEvaluatedKey;
    } while (start !== undefined);
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
