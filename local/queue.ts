/** SQS on one machine: fauxqs in this process, with the queues and their dead letters as infra/ has them. */
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { credentials, HOST, names } from './settings.ts';

/** A message that came back this often goes to the dead letters; the same number as in infra/jobs.yml. */
const MAX_RECEIVES = 20;
/** As in infra/webhooks.yml. */
const MAX_WEBHOOK_RECEIVES = 10;

/** Keeps messages in memory only: the rows are the truth, and the stack wakes open jobs again when it starts. */
export async function startQueue(port: number): Promise<{ url: string; close(): Promise<void> }> {
  const app = buildApp({ logger: false, host: HOST });
  const url = await app.listen({ host: HOST, port });
  await createQueue(url, names);
  const webhooks = { queue: names.webhooks, deadLetters: names.webhookDeadLetters };
  await createQueue(url, webhooks, MAX_WEBHOOK_RECEIVES);
  return {
    url,
    async close() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

interface QueueNames {
  readonly queue: string;
  readonly deadLetters: string;
}

/** A queue and its dead letters; the same settings as in infra/. */
export async function createQueue(
  endpoint: string,
  { queue, deadLetters }: QueueNames,
  maxReceives = MAX_RECEIVES,
): Promise<void> {
  const client = new SQSClient({ endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false });
  try {
    await client.send(new CreateQueueCommand({ QueueName: deadLetters }));
    await client.send(
      new CreateQueueCommand({
        QueueName: queue,
        Attributes: {
          VisibilityTimeout: '30',
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${deadLetters}`,
            maxReceiveCount: String(maxReceives),
          }),
        },
      }),
    );
  } finally {
    client.destroy();
  }
}
