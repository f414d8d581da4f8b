/** SQS on one machine: fauxqs in this process, with the queue and its dead letters as infra/jobs.yml has them. */
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { credentials, HOST, names } from './settings.ts';

/** Keeps messages in memory only: the rows are the truth, and the stack wakes open jobs again when it starts. */
export async function startQueue(port: number): Promise<{ url: string; close(): Promise<void> }> {
  const app = buildApp({ logger: false, host: HOST });
  const url = await app.listen({ host: HOST, port });
  const client = new SQSClient({
    endpoint: url,
    region: 'us-east-1',
    credentials,
    useQueueUrlAsEndpoint: false,
  });
  await client.send(new CreateQueueCommand({ QueueName: names.deadLetters }));
  await client.send(
    new CreateQueueCommand({
      QueueName: names.queue,
      Attributes: {
        VisibilityTimeout: '30',
        RedrivePolicy: JSON.stringify({
          deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${names.deadLetters}`,
          maxReceiveCount: '20',
        }),
      },
    }),
  );
  client.destroy();
  return {
    url,
    async close() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}
