/** GET /v1/jobs/{id}/deliveries: what the job's webhook was told, newest first, with every attempt. */
import { connectDeliveries, connectJobs } from '../shared/aws/connect.ts';
import type { DeliveryStore } from '../shared/aws/delivery-store.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { ownedJob } from './jobs/owned.ts';
import { deliveryView } from './webhooks/delivery-view.ts';

/** A job that is run again and again has an end each time. */
const MOST_SHOWN = 50;

interface Services {
  readonly jobs: Pick<JobStore, 'get'>;
  readonly deliveries: Pick<DeliveryStore, 'get'>;
}

export function listDeliveries({ jobs, deliveries }: Services) {
  return async (request: Request): Promise<Reply> => {
    const job = await ownedJob(jobs, request);
    const ids = (job.deliveries ?? []).slice(-MOST_SHOWN).toReversed();
    const found = await Promise.all(ids.map((id) => deliveries.get(id)));
    const views = found.flatMap((each) => (each === undefined ? [] : [deliveryView(each, request.baseUrl)]));
    return { status: 200, body: { deliveries: views } };
  };
}

const settings = readFunctionsEnvironment(process.env);
export const handler = httpFunction(
  listDeliveries({ ...connectJobs(settings), deliveries: connectDeliveries(settings) }),
  createLogger('list-deliveries'),
);
