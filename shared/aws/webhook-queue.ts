/**
 * The queue of wake-ups for webhooks, apart from that of jobs: a receiver that hangs must not stand before any job.
 * Losing or repeating a message delays an event by a minute or sends nothing.
 */
import { createHash } from 'node:crypto';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { isJobId, type Job } from '../job.ts';
import { isDeliveryId, type WebhookMessage } from '../webhook.ts';

export class WebhookQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  constructor(client: SQSClient, url: string) {
    this.#client = client;
    this.#url = url;
  }

  /** @param job whose webhook it is @param delaySeconds at most 900, as SQS has it */
  async send(message: WebhookMessage, job: Pick<Job, 'tenant' | 'webhook'>, delaySeconds = 0): Promise<void> {
    await this.#client.send(
      new SendMessageCommand({
        QueueUrl: this.#url,
        MessageBody: JSON.stringify(message),
        MessageGroupId: receiverOf(job),
        ...(delaySeconds > 0 ? { DelaySeconds: Math.ceil(delaySeconds) } : {}),
      }),
    );
  }
}

/** Fair queuing (MessageGroupId on a standard queue): a receiver that is slow waits behind the others, not before them. */
function receiverOf({ tenant, webhook }: Pick<Job, 'tenant' | 'webhook'>): string {
  const host = URL.parse(webhook?.url ?? '')?.host ?? '';
  return createHash('sha256')
    .update(JSON.stringify([tenant, host]))
    .digest('base64url');
}

/** @returns undefined for a body that is not ours: it is dropped */
export function readWebhookMessage(body: string): WebhookMessage | undefined {
  try {
    const message: unknown = JSON.parse(body);
    if (message === null || typeof message !== 'object') return undefined;
    if ('job_id' in message && typeof message.job_id === 'string' && isJobId(message.job_id))
      return { job_id: message.job_id };
    if ('delivery_id' in message && typeof message.delivery_id === 'string') {
      const { delivery_id } = message;
      if (!isDeliveryId(delivery_id)) return undefined;
      return 'again' in message ? { delivery_id, again: true } : { delivery_id };
    }
  } catch {
    // Not JSON: not ours.
  }
  return undefined;
}
