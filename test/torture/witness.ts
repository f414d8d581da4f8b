/**
 * Looks at all rows every second or two while a run goes on. What has ended must stay as it ended: a job that is settled a
 * second time gets another end, and only somebody who saw the first one can tell.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { credentials, names } from '../../local/settings.ts';
import { isTerminal, type Job } from '../../shared/job.ts';

const EVERY_MS = 1_500;

export class Witness {
  readonly #client: DynamoDBDocumentClient;
  readonly #ends = new Map<string, string>();
  readonly #changed = new Set<string>();
  /** As of the last look. */
  rows: ReadonlyMap<string, Job> = new Map();
  #timer: NodeJS.Timeout | undefined;

  constructor(endpoint: string) {
    this.#client = DynamoDBDocumentClient.from(
      new DynamoDBClient({ endpoint, region: 'us-east-1', credentials }),
    );
  }

  start(): void {
    const look = async () => {
      await this.look().catch(() => undefined);
      if (this.#timer !== undefined) this.#timer = setTimeout(look, EVERY_MS);
    };
    this.#timer = setTimeout(look, EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Jobs that changed after their end. */
  get changed(): readonly string[] {
    return [...this.#changed];
  }

  /** All jobs as they are now. */
  async look(): Promise<ReadonlyMap<string, Job>> {
    const rows = new Map<string, Job>();
    let start: Record<string, unknown> | undefined;
    do {
      const page = await this.#client.send(
        new ScanCommand({ TableName: names.table, ConsistentRead: true, ExclusiveStartKey: start }),
      );
      for (const row of (page.Items ?? []) as Job[]) if (row.id.startsWith('job_')) rows.set(row.id, row);
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    for (const job of rows.values()) this.#note(job);
    this.rows = rows;
    return rows;
  }

  #note({ id, status, fence, attempt, finished_at, output, error }: Job): void {
    const before = this.#ends.get(id);
    const now = JSON.stringify([status, fence, attempt, finished_at, output, error]);
    if (before !== undefined && before !== now) this.#changed.add(`${id}: ${before} → ${now}`);
    if (before === undefined && isTerminal(status)) this.#ends.set(id, now);
  }
}
