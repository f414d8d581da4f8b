/**
 * Webhooks as a stage has them, but for the clock: the table, the queue and its dead letters are real, receivers are real
 * servers, and what Lambda does (hand over messages, sweep every minute) happens when the test lets time pass.
 */
import { randomUUID } from 'node:crypto';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { onTestFinished } from 'vitest';
import { onWebhookMessages } from '../../functions/deliver-webhook.ts';
import { type DeliverServices, deliverWebhook } from '../../functions/webhooks/deliver.ts';
import { secretView, webhookSecret } from '../../functions/webhooks/secret.ts';
import { sweepWebhooks } from '../../functions/webhooks/sweep-webhooks.ts';
import { createQueue } from '../../local/queue.ts';
import { connectJobs, connectSecrets } from '../../shared/aws/connect.ts';
import { connectAnnouncer } from '../../shared/aws/connect-webhooks.ts';
import { openWebhookQueue } from '../../shared/aws/open-webhooks.ts';
import type { Job } from '../../shared/job.ts';
import { type Delivery, type WebhookMessage, webhookEvents } from '../../shared/webhook.ts';
import { useFunctions } from '../functions/setup.ts';
import { queuedJob, silent } from '../job/services.ts';

const MINUTE_MS = 60_000;
const FILES = {
  files: {
    sr_image: { key: 'results/a.png', content_type: 'image/png', bytes: 3, width: 1, height: 1 },
  },
  facts: { upscale_factor: 4 },
};

export function useWebhooks() {
  const setup = useFunctions();

  return async function open(options: Partial<DeliverServices> = {}) {
    const bundle = await setup();
    const { settings, deliveries, results, tenant } = bundle;
    const endpoint = settings.AWS_ENDPOINT_URL_SQS ?? '';
    const name = `webhooks-${randomUUID()}`;
    await createQueue(endpoint, { queue: name, deadLetters: `${name}-dead` }, 10);
    const urlOf = (queue: string) => `${endpoint}/000000000000/${queue}`;
    const client = new SQSClient({ endpoint, region: 'us-east-1', useQueueUrlAsEndpoint: false });
    const announced = { ...settings, OUTBOARD_WEBHOOK_QUEUE_URL: urlOf(name) };
    const { jobs } = connectJobs(settings, connectAnnouncer(announced, silent));
    const secrets = connectSecrets(settings, 0);
    const queue = openWebhookQueue(settings, urlOf(name));
    let now = Date.now();
    const clock = () => new Date(now);
    const services: DeliverServices = {
      jobs,
      deliveries,
      secrets,
      results,
      queue,
      deadLetters: openWebhookQueue(settings, urlOf(`${name}-dead`)),
      linkSeconds: 3_600,
      timeoutMs: 300,
      allowsLoopback: true,
      log: silent,
      ...options,
    };
    const deliver = deliverWebhook(services, { clock, random: () => 0.5 });
    const call = onWebhookMessages(deliver);
    const sweep = sweepWebhooks({ deliveries, queue, log: silent }, clock);

    const mine: Job[] = [];
    onTestFinished(async () => {
      for (const { id } of mine) {
        await deliveries.erase((await jobs.get(id))?.deliveries ?? []);
        await jobs.erase(id);
      }
      client.destroy();
    });

    async function take(from: string): Promise<string[]> {
      const bodies: string[] = [];
      for (;;) {
        const QueueUrl = urlOf(from);
        const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
        const { Messages: messages = [] } = await client.send(receive);
        if (messages.length === 0) return bodies;
        for (const { Body = '', ReceiptHandle } of messages) {
          bodies.push(Body);
          await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
      }
    }

    /** What Lambda does with the messages that are there: one call each, side by side. @returns how many there were */
    async function handOver(): Promise<number> {
      const bodies = await take(name);
      await Promise.all(bodies.map((body) => call({ Records: [{ body }] } as never)));
      return bodies.length;
    }

    return {
      ...bundle,
      jobs,
      services,
      deliver: (message: WebhookMessage) => deliver(message),
      handOver,
      sweep,
      clock,
      messages: () => take(name),
      deadLetters: () => take(`${name}-dead`),
      /** Messages that SQS holds back. */
      async delayed(): Promise<number> {
        const { Attributes } = await client.send(
          new GetQueueAttributesCommand({ QueueUrl: urlOf(name), AttributeNames: ['All'] }),
        );
        return Number(Attributes?.ApproximateNumberOfMessagesDelayed);
      },
      /** Time passes, minute by minute; the sweeper runs and messages are handed over, as in a stage. */
      async pass(milliseconds: number, step = MINUTE_MS): Promise<void> {
        for (const end = now + milliseconds; now < end; ) {
          now = Math.min(end, now + step);
          await sweep();
          await handOver();
        }
      },
      /** A job that a worker has in hand. */
      async running(url: string, changes: Partial<Job> = {}): Promise<Job> {
        const webhook = { url, events: webhookEvents, api: 'https://api.example/prod' };
        const job = queuedJob({ tenant, webhook, ...changes });
        await jobs.create(job);
        mine.push(job);
        await jobs.claim(job.id, 'worker', new Date(), Date.now() + 30_000);
        return job;
      },
      succeed: (job: Job) => jobs.succeed({ id: job.id, fence: 1 }, FILES, { total_ms: 5 }, clock()),
      /** What the job's webhook was told, oldest first. */
      async deliveriesOf({ id }: Job): Promise<Delivery[]> {
        const ids = (await jobs.get(id))?.deliveries ?? [];
        const found = await Promise.all(ids.map((each) => deliveries.get(each)));
        return found.filter((each) => each !== undefined);
      },
      secrets: async () => secretView(await secrets.secrets(webhookSecret(tenant))),
      rotate: async () => secretView(await secrets.rotate(webhookSecret(tenant))),
    };
  };
}
