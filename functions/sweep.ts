/**
 * Every minute: the net under the promises. Rows whose message was never sent get one; jobs past their deadline
 * end as expired, whether or not a worker ever came; webhooks that are due and have no message get one.
 */
import { connectDeliveries, connectJobs, connectQueue } from '../shared/aws/connect.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import type { JobIndex } from '../shared/aws/job-index.ts';
import type { JobQueue } from '../shared/aws/job-queue.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { openWebhookQueue } from '../shared/aws/open-webhooks.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { isTerminal } from '../shared/job.ts';
import { createLogger, type Logger } from '../shared/log.ts';
import { enqueue } from './jobs/submit.ts';
import { sweepWebhooks } from './webhooks/sweep-webhooks.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get' | 'end' | 'markEnqueued'>;
  readonly index: Pick<JobIndex, 'due'>;
  readonly queue: Pick<JobQueue, 'send'>;
  readonly log: Logger;
}

/** What one sweep did. */
export interface Sweep {
  readonly expired: number;
  readonly repaired: number;
}

export function sweep({ jobs, index, queue, log }: Services, clock: () => Date = () => new Date()) {
  return async (): Promise<Sweep> => {
    const now = clock();
    let expired = 0;
    let repaired = 0;
    for await (const id of index.due(now)) {
      const job = await jobs.get(id);
      if (job === undefined || isTerminal(job.status)) continue;
      if (job.deadline_at <= now.toISOString()) {
        const reason = new OutboardError('deadline_exceeded').toPublic();
        if ((await jobs.end(id, 'expired', now, reason)) !== undefined) expired += 1;
      } else if (job.enqueued_at === undefined) {
        // A queue that refuses one message must not keep the jobs behind it from ending in time.
        try {
          await enqueue({ jobs, queue }, job, now);
          repaired += 1;
        } catch (error) {
          log.error({ err: error, job_id: id }, 'sweep could not send a message; the next one tries again');
        }
      }
    }
    if (expired + repaired > 0) log.warn({ expired, repaired }, 'sweep found work');
    return { expired, repaired };
  };
}

const settings = readFunctionsEnvironment(process.env);
const log = createLogger('sweep');
const sweepJobs = sweep({
  ...connectJobs(settings, connectPublisher(settings, log)),
  queue: connectQueue(settings),
  log,
});
const { OUTBOARD_WEBHOOK_QUEUE_URL: webhooks } = settings;
const wakeWebhooks =
  webhooks === undefined
    ? async () => 0
    : sweepWebhooks({
        deliveries: connectDeliveries(settings),
        queue: openWebhookQueue(settings, webhooks),
        log,
      });
export const handler = async () => {
  // Jobs first: nothing of a webhook may stand before the end of a job.
  const swept = await sweepJobs();
  return { ...swept, woken: await wakeWebhooks() };
};
