/** POST /v1/jobs/{id}/retry: runs a job again that failed, expired or was canceled, under the same id. */
import {
  connectDeliveries,
  connectFleet,
  connectJobs,
  connectQueue,
  connectScaler,
} from '../shared/aws/connect.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import type { DeliveryStore } from '../shared/aws/delivery-store.ts';
import type { JobQueue } from '../shared/aws/job-queue.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { jobSummary } from '../shared/job-view.ts';
import { createLogger } from '../shared/log.ts';
import { isUntold } from '../shared/webhook.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { ownedJob } from './jobs/owned.ts';
import { deadlines, enqueue, type JobLimits } from './jobs/submit.ts';
import { type Wake, wakeFleet } from './jobs/wake.ts';
import { openDelivery } from './webhooks/open-delivery.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get' | 'reopen' | 'markEnqueued' | 'markTold'>;
  readonly deliveries: Pick<DeliveryStore, 'open'>;
  readonly queue: Pick<JobQueue, 'send'>;
  readonly wake: Wake;
}

export function retryJob(services: Services, limits: JobLimits) {
  return async (request: Request): Promise<Reply> => {
    const found = await ownedJob(services.jobs, request);
    const { id } = found;
    const now = new Date();
    // The end that is about to be undone is still to be told; the sweeper finds its delivery.
    if (isUntold(found)) await openDelivery(services, found, now);
    const opened = await services.jobs.reopen(id, deadlines(limits, now));
    const job = opened ?? (await ownedJob(services.jobs, request));
    // Queued without its message: opened just now, or by a retry that met a queue which was down.
    if (job.status !== 'queued' || job.enqueued_at !== undefined) {
      throw new OutboardError('job_not_retryable', { detail: `It is ${job.status}.` });
    }
    await enqueue(services, job, now);
    await services.wake(job.work_seconds ?? 0);
    return { status: 202, body: jobSummary(job, request.baseUrl) };
  };
}

const settings = readFunctionsEnvironment(process.env);
const log = createLogger('retry-job');
const fleet = connectFleet(settings);
export const handler = httpFunction(
  retryJob(
    {
      ...connectJobs(settings, connectPublisher(settings, log)),
      deliveries: connectDeliveries(settings),
      queue: connectQueue(settings),
      wake: wakeFleet({ fleet, scaler: connectScaler(settings), log }),
    },
    settings,
  ),
  log,
);
