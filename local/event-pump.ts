/**
 * The events that AWS would deliver and serverless-offline does not: S3 ObjectCreated and messages of the
 * dead-letter queue, handed to their functions through the Lambda invoke endpoint, at least once, as AWS does.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type ObjectCreated, s3Event } from './s3/events.ts';
import { credentials, HOST, names, STAGE } from './settings.ts';

const POLL_MS = 1_000;
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
  #polling: Promise<void> | undefined;

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
    this.#polling = this.#pollDeadLetters();
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

  async #pollDeadLetters(): Promise<void> {
    while (!this.#closed) {
      await sleep(POLL_MS);
      // A message that is not handed over now comes back by itself.
      await this.#handOver().catch((error: unknown) => this.#options.print(`stack   dead letters: ${error}`));
    }
  }

  /** One look at the dead-letter queue. */
  async #handOver(): Promise<void> {
    const queue = { QueueUrl: `${this.#options.sqsUrl}/000000000000/${names.deadLetters}` };
    const { Messages: messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({ ...queue, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'] }),
    );
    if (messages.length === 0) return;
    const records = messages.map((message) => ({
      messageId: message.MessageId,
      body: message.Body,
      attributes: message.Attributes ?? {},
      eventSource: 'aws:sqs',
    }));
    if (!(await this.#invoke('on-dead-letter', { Records: records }))) return;
    for (const { ReceiptHandle } of messages) {
      await this.#sqs.send(new DeleteMessageCommand({ ...queue, ReceiptHandle }));
    }
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
