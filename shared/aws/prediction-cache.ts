/**
 * Answers of classifiers and detectors, kept for those who ask the same again. They lie in the jobs table beside the
 * jobs; an answer that cannot be read or written costs a run of the model and nothing else. A call costs the same for one
 * row as for many, so those that are asked for in the same moment share one.
 */
import { BatchGetCommand, BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export type Facts = Readonly<Record<string, unknown>>;

/** DynamoDB takes so many rows a call. */
const MOST_GETS = 100;
const MOST_PUTS = 25;
/** A job waits for what it asks for; nobody waits for what is kept. */
const GET_WITHIN_MS = 3;
const PUT_WITHIN_MS = 100;

interface Row {
  readonly id: string;
  readonly facts: Facts;
  /** Epoch seconds. */
  readonly expires_at: number;
}

export class PredictionCache {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #seconds: number;
  readonly #gets: Gathering<string, Row | undefined>;
  readonly #puts: Gathering<Row, undefined>;

  /** @param seconds how long an answer is used */
  constructor(client: DynamoDBDocumentClient, table: string, seconds: number) {
    this.#client = client;
    this.#table = table;
    this.#seconds = seconds;
    this.#gets = new Gathering(MOST_GETS, GET_WITHIN_MS, (ids) => this.#read(ids));
    this.#puts = new Gathering(MOST_PUTS, PUT_WITHIN_MS, (rows) => this.#write(rows));
  }

  /** @param key hash of everything the answer depends on */
  async get(key: string): Promise<Facts | undefined> {
    const id = rowId(key);
    // What is on its way into the table is not in it yet.
    const row = this.#puts.waiting(id) ?? (await this.#gets.add(id, id));
    // The table drops old rows in its own time.
    return row !== undefined && row.expires_at > Date.now() / 1000 ? row.facts : undefined;
  }

  /** Resolves when the answer is kept, or is not going to be. */
  async put(key: string, facts: Facts): Promise<void> {
    if (this.#seconds === 0) return;
    const id = rowId(key);
    await this.#puts.add(id, { id, facts, expires_at: Math.floor(Date.now() / 1000) + this.#seconds });
  }

  async #read(ids: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Row>> {
    const Keys = [...ids.keys()].map((id) => ({ id }));
    const command = new BatchGetCommand({ RequestItems: { [this.#table]: { Keys } } });
    const { Responses } = await this.#client.send(command);
    const rows = (Responses?.[this.#table] ?? []) as Row[];
    return new Map(rows.map((row) => [row.id, row]));
  }

  async #write(rows: ReadonlyMap<string, Row>): Promise<ReadonlyMap<string, undefined>> {
    const requests = [...rows.values()].map((Item) => ({ PutRequest: { Item } }));
    await this.#client.send(new BatchWriteCommand({ RequestItems: { [this.#table]: requests } }));
    return new Map();
  }
}

const rowId = (key: string): string => `prediction_${key}`;

type Send<Asked, Answer> = (asked: ReadonlyMap<string, Asked>) => Promise<ReadonlyMap<string, Answer>>;

interface Batch<Asked, Answer> {
  readonly asked: Map<string, Asked>;
  readonly answers: Promise<ReadonlyMap<string, Answer>>;
  readonly sendNow: () => void;
}

/** What is asked for within a short time, sent together. Where the call fails, nobody gets an answer. */
class Gathering<Asked, Answer> {
  readonly #most: number;
  readonly #withinMs: number;
  readonly #send: Send<Asked, Answer>;
  #open: Batch<Asked, Answer> | undefined;

  constructor(most: number, withinMs: number, send: Send<Asked, Answer>) {
    this.#most = most;
    this.#withinMs = withinMs;
    this.#send = send;
  }

  /** What was asked under this id and is not sent yet. */
  waiting(id: string): Asked | undefined {
    return this.#open?.asked.get(id);
  }

  async add(id: string, asked: Asked): Promise<Answer | undefined> {
    this.#open ??= this.#begin();
    const batch = this.#open;
    batch.asked.set(id, asked);
    if (batch.asked.size === this.#most) batch.sendNow();
    return (await batch.answers).get(id);
  }

  #begin(): Batch<Asked, Answer> {
    const asked = new Map<string, Asked>();
    const { promise, resolve } = Promise.withResolvers<void>();
    const sendNow = () => {
      clearTimeout(timer);
      this.#open = undefined;
      resolve();
    };
    const timer = setTimeout(sendNow, this.#withinMs);
    const answers = promise.then(() => this.#send(asked)).catch(() => new Map<string, Answer>());
    return { asked, answers, sendNow };
  }
}
