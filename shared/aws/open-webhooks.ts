/** The queue behind webhooks. Apart from connect.ts, because most functions send to it late or never. */
import { SQSClient } from '@aws-sdk/client-sqs';
import type { WebhookSettings } from './connect-webhooks.ts';
import { WebhookQueue } from './webhook-queue.ts';

export function openWebhookQueue(
  { AWS_REGION: region, AWS_ENDPOINT_URL_SQS: endpoint }: WebhookSettings,
  url: string,
): WebhookQueue {
  const client = new SQSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    useQueueUrlAsEndpoint: endpoint === undefined,
  });
  return new WebhookQueue(client, url);
}
