/**
 * The queue of wake-ups. A message holds a job's id and nothing else: losing or repeating one can delay a job
 * or wake a worker in vain, never change what happens to the job.
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { isJobId, type JobMessage } from '../job.ts';

/** SQS hands out, and deletes, at most this many messages a call. */
export const MAX_BATCH = 10;

export interface ReceivedMessage {
  readonly jobId: string;
  readonly receipt: string;
}

export class JobQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  /** @param tenant fair queuing: one tenant's backlog does not delay the others (MessageGroupId on a standard queue). */
  async send(jobId: string, tenant: string): Promise<void> {
    const message: JobMessage = { job_id: jobId };
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: JSON.stringify(message),
        MessageGroupId: tenant,
      }),
    );
  }

  /** Long-polls for up to `max` messages. Aborting the signal ends the wait; the message of that moment may reappear late. */
  async receive(
    max: number,
    waitSeconds: number,
    visibilitySeconds: number,
    signal?: AbortSignal,
  ): Promise<ReceivedMessage[]> {
    const { Messages } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#url,
        MaxNumberOfMessages: Math.min(max, MAX_BATCH),
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    const received = (Messages ?? []).map((message) => ({
      jobId: readJobId(message.Body),
      receipt: message.ReceiptHandle ?? '',
    }));
    return received;
  }

  /** The message comes back to any worker after this long; 0 is at once. */
  async setVisibility(receipt: string, seconds: number): Promise<void> {
    await this.#client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.#url,
        ReceiptHandle: receipt,
        VisibilityTimeout: Math.max(0, Math.min(43_200, Math.ceil(seconds))),
      }),
    );
  }

  async delete(receipt: string): Promise<void> {
    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receipt }));
  }

  /** @param receipts at most MAX_BATCH @throws where any of them could not be deleted; the others are */
  async deleteAll(receipts: readonly string[]): Promise<void> {
    const { Failed: failed = [] } = await this.#client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.#url,
        Entries: receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
    const [first] = failed;
    if (first !== undefined) throw new Error(`${failed.length} messages were not deleted: ${first.Code}`);
  }

  /** Messages waiting, as SQS counts them: approximate by its nature. */
  async depth(): Promise<number> {
    const { Attributes } = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
  }
}

/** @returns '' for a body that is not ours: the worker finds no such job and deletes the message. */
export function readJobId(body: string | undefined): string {
  try {
    const message: unknown = JSON.parse(body ?? '');
    if (message !== null && typeof message === 'object' && 'job_id' in message) {
      const { job_id: id } = message;
      if (typeof id === 'string' && isJobId(id)) return id;
    }
  } catch {
    // Not JSON: not ours.
  }
  return '';
}
