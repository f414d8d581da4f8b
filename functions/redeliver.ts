/** POST /v1/jobs/{id}/deliveries/{delivery}/redeliver: the same event once more, under the same id, with a day before it. */
import { connectDeliveries, connectJobs } from '../shared/aws/connect.ts';
import type { DeliveryStore } from '../shared/aws/delivery-store.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { openWebhookQueue } from '../shared/aws/open-webhooks.ts';
import type { WebhookQueue } from '../shared/aws/webhook-queue.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { createLogger, type Logger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { ownedJob } from './jobs/owned.ts';
import { deliveryView } from './webhooks/delivery-view.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get'>;
  readonly deliveries: Pick<DeliveryStore, 'get' | 'restart'>;
  readonly queue: Pick<WebhookQueue, 'send'>;
  readonly log: Logger;
}

export function redeliver({ jobs, deliveries, queue, log }: Services) {
  return async (request: Request): Promise<Reply> => {
    const job = await ownedJob(jobs, request);
    const id = request.path.delivery ?? '';
    if (job.deliveries?.includes(id) !== true) throw new OutboardError('delivery_not_found');
    // One that is being sent in this moment is sent once.
    const delivery = (await deliveries.restart(id, new Date())) ?? (await deliveries.get(id));
    if (delivery === undefined) throw new OutboardError('delivery_not_found');
    await queue.send({ delivery_id: id }, delivery.job).catch((error: unknown) => {
      log.warn({ err: error, delivery: id }, 'could not send a wake-up; the sweeper will');
    });
    return { status: 202, body: deliveryView(delivery, request.baseUrl) };
  };
}

const settings = readFunctionsEnvironment(process.env);
const log = createLogger('redeliver');
export const handler = httpFunction(
  redeliver({
    ...connectJobs(settings),
    deliveries: connectDeliveries(settings),
    queue: openWebhookQueue(settings, settings.OUTBOARD_WEBHOOK_QUEUE_URL ?? ''),
    log,
  }),
  log,
);
