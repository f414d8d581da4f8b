/**
 * Answers of classifiers and detectors, kept for those who ask the same again. They lie in the jobs table beside the
 * jobs; an answer that cannot be read or written costs a run of the model and nothing else.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';

export type Facts = Readonly<Record<string, unknown>>;

export class PredictionCache {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #seconds: number;

  /** @param seconds how long an answer is used */
  constructor(client: DynamoDBDocumentClient, table: string, seconds: number) {
    this.#client = client;
    this.#table = table;
    this.#seconds = seconds;
  }

  /** @param key hash of everything the answer depends on */
  async get(key: string): Promise<Facts | undefined> {
    const command = new GetCommand({ TableName: this.#table, Key: { id: rowId(key) } });
    const { Item } = await this.#client.send(command).catch(() => ({ Item: undefined }));
    // The table drops old rows in its own time.
    return Item !== undefined && Item.expires_at > Date.now() / 1000 ? (Item.facts as Facts) : undefined;
  }

  async put(key: string, facts: Facts): Promise<void> {
    if (this.#seconds === 0) return;
    const row = { id: rowId(key), facts, expires_at: Math.floor(Date.now() / 1000) + this.#seconds };
    await this.#client.send(new PutCommand({ TableName: this.#table, Item: row })).catch(() => undefined);
  }
}

const rowId = (key: string): string => `prediction_${key}`;
