/**
 * Rows about the fleet, in the jobs table: `fleet` (the scaler's), `costs` (measured by workers) and one row a worker,
 * which the index of open things lists under `workers` by the time it was seen last.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { type FleetRecord, WAKE_AGAIN_MS, WORKER_SILENT_MS, type WorkerRecord } from '../fleet.ts';
import { OPEN_INDEX } from './job-index.ts';

const FLEET = 'fleet';
const COSTS = 'costs';
const WORKERS = 'workers';
const workerRow = (id: string): string => `worker#${id}`;
/** A batch get takes this many keys. */
const BATCH = 100;
/** The row of a worker that died is dropped by the table after this long. */
const KEEP_DEAD_WORKER_S = 3_600;

export class FleetStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async read(): Promise<FleetRecord | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id: FLEET }, ConsistentRead: true }),
    );
    // A wake-up may have come before the first record.
    return Item?.revision === undefined ? undefined : (Item as unknown as FleetRecord);
  }

  /**
   * Asks to be the one that wakes a fleet at zero. Of any number of callers one is told yes, and the next one only
   * after WAKE_AGAIN_MS.
   */
  async claimWake(now: Date): Promise<boolean> {
    return this.#conditionally(
      new UpdateCommand({
        TableName: this.#table,
        Key: { id: FLEET },
        UpdateExpression: 'SET waking_at = :now',
        ConditionExpression:
          '(attribute_not_exists(desired) OR desired = :zero) AND (attribute_not_exists(waking_at) OR waking_at < :stale)',
        ExpressionAttributeValues: {
          ':zero': 0,
          ':now': now.getTime(),
          ':stale': now.getTime() - WAKE_AGAIN_MS,
        },
      }),
    );
  }

  /**
   * Writes what the scaler decided on the record of revision `from` (0: none).
   * @returns false where another scaler was faster.
   */
  async record(
    { capacity_error, ...fleet }: Omit<FleetRecord, 'revision' | 'waking_at'>,
    from: number,
  ): Promise<boolean> {
    const values = {
      ...fleet,
      revision: from + 1,
      ...(capacity_error === undefined ? {} : { capacity_error }),
    };
    const names = Object.keys(values);
    const assignments = names.map((name) => `#${name} = :${name}`).join(', ');
    return this.#conditionally(
      new UpdateCommand({
        TableName: this.#table,
        Key: { id: FLEET },
        UpdateExpression: `SET ${assignments}${capacity_error === undefined ? ' REMOVE capacity_error' : ''}`,
        ConditionExpression: from === 0 ? 'attribute_not_exists(revision)' : 'revision = :from',
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
          ...(from === 0 ? {} : { ':from': from }),
        },
      }),
    );
  }

  /** A worker says that it is there. */
  async beat(worker: WorkerRecord): Promise<void> {
    const { id, state, ...facts } = worker;
    await this.#client.send(
      new PutCommand({
        TableName: this.#table,
        Item: {
          ...facts,
          id: workerRow(id),
          status: state,
          open_shard: WORKERS,
          sweep_at: worker.seen_at,
          expires_at: Math.floor(Date.parse(worker.seen_at) / 1000) + KEEP_DEAD_WORKER_S,
        },
      }),
    );
  }

  /** A worker is gone. */
  async leave(id: string): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#table, Key: { id: workerRow(id) } }));
  }

  /** How many workers are in each state, of those heard from lately. */
  async workerStates(now: Date): Promise<Readonly<Record<WorkerRecord['state'], number>>> {
    const counts = { loading: 0, ready: 0, draining: 0 };
    for (const { status } of await this.#alive(now)) counts[status as WorkerRecord['state']] += 1;
    return counts;
  }

  /** The workers heard from lately. */
  async workers(now: Date): Promise<WorkerRecord[]> {
    const keys = (await this.#alive(now)).map(({ id }) => ({ id: String(id) }));
    const rows: Record<string, unknown>[] = [];
    for (let start = 0; start < keys.length; start += BATCH) {
      const { Responses } = await this.#client.send(
        new BatchGetCommand({ RequestItems: { [this.#table]: { Keys: keys.slice(start, start + BATCH) } } }),
      );
      rows.push(...(Responses?.[this.#table] ?? []));
    }
    return rows.map(({ id, status, open_shard, sweep_at, expires_at, ...facts }) => ({
      ...(facts as unknown as WorkerRecord),
      id: String(id).slice(workerRow('').length),
      state: status as WorkerRecord['state'],
    }));
  }

  /** Device seconds of one unit, by `costKey`. */
  async costs(): Promise<Readonly<Record<string, number>>> {
    const { Item } = await this.#client.send(new GetCommand({ TableName: this.#table, Key: { id: COSTS } }));
    const { id, ...costs } = Item ?? {};
    return costs as Record<string, number>;
  }

  async learnCosts(costs: Readonly<Record<string, number>>): Promise<void> {
    const entries = Object.entries(costs);
    if (entries.length === 0) return;
    await this.#client.send(
      new UpdateCommand({
        TableName: this.#table,
        Key: { id: COSTS },
        UpdateExpression: `SET ${entries.map((_, index) => `#k${index} = :v${index}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(entries.map(([key], index) => [`#k${index}`, key])),
        ExpressionAttributeValues: Object.fromEntries(
          entries.map(([, value], index) => [`:v${index}`, value]),
        ),
      }),
    );
  }

  async #alive(now: Date): Promise<Record<string, unknown>[]> {
    const { Items } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        IndexName: OPEN_INDEX,
        KeyConditionExpression: 'open_shard = :workers AND sweep_at > :since',
        ExpressionAttributeValues: {
          ':workers': WORKERS,
          ':since': new Date(now.getTime() - WORKER_SILENT_MS).toISOString(),
        },
      }),
    );
    return Items ?? [];
  }

  async #conditionally(command: UpdateCommand): Promise<boolean> {
    try {
      await this.#client.send(command);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}
