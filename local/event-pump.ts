/**
 * The events that AWS would deliver and serverless-offline does not: S3 ObjectCreated and messages of the queues of dead
 * letters and of webhooks, handed to their functions through the Lambda invoke endpoint, at least once, as AWS does.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type ObjectCreated, s3Event } from './s3/events.ts';
import { credentials, HOST, names, STAGE } from './settings.ts';

/** Which function is called for the messages of which queue, and how many of its calls run at once. */
const sources = [
  { queue: names.deadLetters, name: 'on-dead-letter', atOnce: 1, pollMs: 1_000 },
  { queue: names.webhooks, name: 'deliver-webhook', atOnce: 10, pollMs: 200 },
] as const;
type Source = (typeof sources)[number];

const TRIES = 5;

interface PumpOptions {
  readonly lambdaPort: number;
  readonly sqsUrl: string;
  readonly print: (line: string) => void;
}

export class EventPump {
  readonly #options: PumpOptions;
  readonly #sqs: SQSClient;
  #closed = false;
  #polling: Promise<unknown> | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#sqs = new SQSClient({
      endpoint: options.sqsUrl,
      region: 'us-east-1',
      credentials,
      useQueueUrlAsEndpoint: false,
    });
  }

  start(): void {
    this.#polling = Promise.all(sources.map((source) => this.#poll(source)));
  }

  /** What the uploads bucket's notification does. */
  async uploaded(created: ObjectCreated): Promise<void> {
    if (created.bucket !== names.uploads || !created.key.startsWith('uploads/')) return;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      if (await this.#invoke('on-upload', s3Event(created))) return;
      await sleep(attempt * 500);
    }
    this.#options.print(`stack   the upload ${created.key} could not be turned into a job`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#polling;
    this.#sqs.destroy();
  }

  /** Takes no more messages than there are calls free, so that a receiver that hangs holds up one call. */
  async #poll(source: Source): Promise<void> {
    const calls = new Set<Promise<void>>();
    while (!this.#closed) {
      await sleep(source.pollMs);
      const free = source.atOnce - calls.size;
      if (free === 0) continue;
      const messages = await this.#receive(source, free).catch((error: unknown) => {
        this.#options.print(`stack   ${source.name}: ${error}`);
        return [];
      });
      for (const message of messages) {
        // A message that is not handed over now comes back by itself.
        const call = this.#handOver(source, message).catch((error: unknown) =>
          this.#options.print(`stack   ${source.name}: ${error}`),
        );
        calls.add(call);
        void call.finally(() => calls.delete(call));
      }
    }
    await Promise.all(calls);
  }

  async #receive({ queue }: Source, most: number): Promise<Message[]> {
    const { Messages: messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#urlOf(queue),
        MaxNumberOfMessages: Math.min(10, most),
        MessageSystemAttributeNames: ['All'],
      }),
    );
    return messages;
  }

  async #handOver({ queue, name }: Source, message: Message): Promise<void> {
    const record = {
      messageId: message.MessageId,
      body: message.Body,
      attributes: message.Attributes ?? {},
      eventSource: 'aws:sqs',
    };
    if (!(await this.#invoke(name, { Records: [record] }))) return;
    await this.#sqs.send(
      new DeleteMessageCommand({ QueueUrl: this.#urlOf(queue), ReceiptHandle: message.ReceiptHandle }),
    );
  }

  #urlOf(queue: string): string {
    return `${this.#options.sqsUrl}/000000000000/${queue}`;
  }

  async #invoke(name: string, event: unknown): Promise<boolean> {
    const url = `http://${HOST}:${this.#options.lambdaPort}/2015-03-31/functions/outboard-${STAGE}-${name}/invocations`;
    try {
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
      await answer.body?.cancel();
      return answer.ok && !answer.headers.has('x-amz-function-error');
    } catch {
      return false;
    }
  }
}
