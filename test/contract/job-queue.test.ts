/**
 * The contract on the local queue, or on the endpoint of OUTBOARD_CONTRACT_SQS_ENDPOINT with the credentials of the
 * AWS_* variables and the queue of OUTBOARD_CONTRACT_QUEUE_URL, which must have dead letters and no other user.
 */
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { connectQueue } from '../../shared/aws/connect.ts';
import { openServices } from '../job/services.ts';
import { jobQueueContract } from './job-queue.contract.ts';

const MAX_RECEIVES = 3;
const endpoint = process.env.OUTBOARD_CONTRACT_SQS_ENDPOINT;

if (endpoint === undefined) {
  jobQueueContract('the local queue', async () => {
    const { newQueue, close } = await openServices();
    return { ...(await newQueue(MAX_RECEIVES)), maxReceives: MAX_RECEIVES, close };
  });
} else {
  jobQueueContract(endpoint, async () => {
    const QueueUrl = process.env.OUTBOARD_CONTRACT_QUEUE_URL ?? '';
    const client = new SQSClient({ endpoint, useQueueUrlAsEndpoint: false });
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
    );
    const redrive = JSON.parse(Attributes?.RedrivePolicy ?? '{}') as Record<string, unknown>;
    const QueueName = String(redrive.deadLetterTargetArn).split(':').at(-1);
    const { QueueUrl: deadLettersUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName }));
    const connect = (url: string) =>
      connectQueue({
        AWS_REGION: process.env.AWS_REGION ?? '',
        AWS_ENDPOINT_URL_SQS: endpoint,
        OUTBOARD_QUEUE_URL: url,
        OUTBOARD_JOBS_TABLE: '',
        OUTBOARD_MODELS_BUCKET: '',
      });
    return {
      queue: connect(QueueUrl),
      deadLetters: connect(deadLettersUrl),
      maxReceives: Number(redrive.maxReceiveCount),
      async sendBody(MessageBody) {
        await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      },
      close: async () => client.destroy(),
    };
  });
}
