/**
 * Secrets that the stage makes for itself, in the jobs table (encrypted, and read by roles of this stage alone): no
 * service to pay for while nothing happens, and nobody has to invent one at the first deploy.
 */
import { randomBytes } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';

const BYTES = 32;
const FRESH_MS = 300_000;

interface Stored {
  /** Newest first; base64. */
  readonly values: readonly string[];
}

export class SecretStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #now: () => number;
  readonly #freshMs: number;
  readonly #seen = new Map<string, { readonly values: readonly string[]; readonly at: number }>();

  constructor(
    client: DynamoDBDocumentClient,
    table: string,
    now: () => number = Date.now,
    freshMs: number = FRESH_MS,
  ) {
    this.#client = client;
    this.#table = table;
    this.#now = now;
    this.#freshMs = freshMs;
  }

  /** The secrets of this name, the one to sign with first; made where there is none yet. */
  async secrets(name: string): Promise<readonly string[]> {
    const seen = this.#seen.get(name);
    if (seen !== undefined && this.#now() - seen.at < this.#freshMs) return seen.values;
    const values = (await this.#read(name)) ?? (await this.#make(name));
    this.#seen.set(name, { values, at: this.#now() });
    return values;
  }

  /** A new secret to sign with; what the one before signed is good until the next rotation. */
  async rotate(name: string): Promise<readonly string[]> {
    const before = await this.#read(name);
    const values = [newSecret(), ...(before ?? []).slice(0, 1)];
    // Two at once are two rotations, one after the other: nobody is given a secret that never signs.
    if (!(await this.#replace(name, values, before))) return this.rotate(name);
    this.#seen.delete(name);
    return values;
  }

  async #read(name: string): Promise<readonly string[] | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: { id: rowOf(name) }, ConsistentRead: true }),
    );
    return (Item as Stored | undefined)?.values;
  }

  async #make(name: string): Promise<readonly string[]> {
    const values = [newSecret()];
    if (await this.#replace(name, values, undefined)) return values;
    // Somebody else made it in this moment; theirs counts.
    return (await this.#read(name)) ?? values;
  }

  /** @returns false where it is not what was read `before` any more */
  async #replace(
    name: string,
    values: readonly string[],
    before: readonly string[] | undefined,
  ): Promise<boolean> {
    const unchanged =
      before === undefined
        ? { ConditionExpression: 'attribute_not_exists(id)' }
        : {
            ConditionExpression: '#values[0] = :newest',
            ExpressionAttributeNames: { '#values': 'values' },
            ExpressionAttributeValues: { ':newest': before[0] },
          };
    try {
      await this.#client.send(
        new PutCommand({ TableName: this.#table, Item: { id: rowOf(name), values }, ...unchanged }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

const rowOf = (name: string): string => `secret#${name}`;
const newSecret = (): string => randomBytes(BYTES).toString('base64');
