/**
 * DynamoDB and SQS in this process, behind the stores that the code itself uses. One pair serves a test file; each
 * test takes jobs and a queue of its own from it, so that no test can see another's.
 */
import { randomUUID } from 'node:crypto';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll } from 'vitest';
import { type JobLimits, newJob } from '../../functions/jobs/submit.ts';
import { createQueue, startQueue } from '../../local/queue.ts';
import { names } from '../../local/settings.ts';
import { startTable } from '../../local/table.ts';
import { connectJobs, connectQueue, type ServiceSettings } from '../../shared/aws/connect.ts';
import type { JobIndex } from '../../shared/aws/job-index.ts';
import type { JobQueue } from '../../shared/aws/job-queue.ts';
import type { JobStore } from '../../shared/aws/job-store.ts';
import { type Job, newJobId } from '../../shared/job.ts';
import type { Logger } from '../../shared/log.ts';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export const limits: JobLimits = {
  OUTBOARD_JOB_DEADLINE_SECONDS: 3_600,
  OUTBOARD_JOB_RETENTION_SECONDS: 86_400,
  OUTBOARD_JOB_MAX_ATTEMPTS: 3,
};

/** A job as the API accepts it. */
export function queuedJob(changes: Partial<Job> = {}, now = new Date()): Job {
  const draft = {
    id: changes.id ?? newJobId(),
    tenant: `tenant-${randomUUID()}`,
    task: 'super-resolution',
    model: 'super-resolution',
    parameters: { upscale_factor: 4 },
    input: { kind: 'url', url: 'https://pictures.example/harbour.jpg' } as const,
    requestHash: 'hash',
  };
  return { ...newJob(draft, limits, now), ...changes };
}

export interface TestQueue {
  readonly queue: JobQueue;
  readonly deadLetters: JobQueue;
  /** Messages that wait or are hidden: everything that was not deleted. */
  held(): Promise<number>;
  sendBody(body: string): Promise<void>;
}

export interface Services {
  readonly jobs: JobStore;
  readonly index: JobIndex;
  readonly settings: ServiceSettings;
  /** A queue that nobody else uses. */
  newQueue(maxReceives?: number): Promise<TestQueue>;
  close(): Promise<void>;
}

export async function openServices(): Promise<Services> {
  const [sqs, table] = await Promise.all([startQueue(0), startTable(0)]);
  const settings: ServiceSettings = {
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_SQS: sqs.url,
    AWS_ENDPOINT_URL_DYNAMODB: table.url,
    OUTBOARD_QUEUE_URL: '',
    OUTBOARD_JOBS_TABLE: names.table,
    OUTBOARD_MODELS_BUCKET: names.models,
  };
  const client = new SQSClient({ endpoint: sqs.url, region: 'us-east-1', useQueueUrlAsEndpoint: false });
  const urlOf = (name: string) => `${sqs.url}/000000000000/${name}`;
  return {
    ...connectJobs(settings),
    settings,
    async newQueue(maxReceives) {
      const queue = `jobs-${randomUUID()}`;
      const deadLetters = `${queue}-dead`;
      await createQueue(sqs.url, { queue, deadLetters }, maxReceives);
      const QueueUrl = urlOf(queue);
      const connect = (name: string) => connectQueue({ ...settings, OUTBOARD_QUEUE_URL: urlOf(name) });
      return {
        queue: connect(queue),
        deadLetters: connect(deadLetters),
        async held() {
          const { Attributes } = await client.send(
            new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
          );
          return (
            Number(Attributes?.ApproximateNumberOfMessages) +
            Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
          );
        },
        async sendBody(MessageBody) {
          await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
        },
      };
    },
    async close() {
      client.destroy();
      await Promise.all([sqs.close(), table.close()]);
    },
  };
}

/** The services of a test file: open before its first test, closed after its last. */
export function useServices(): () => Services {
  let services: Services;
  beforeAll(async () => {
    services = await openServices();
  });
  afterAll(() => services.close());
  return () => services;
}
