/**
 * DELETE /v1/jobs/{id}: erases input, results, deliveries and row. An open job is canceled first, so nothing works on it; an
 * upload that another job uses stays for that one.
 */
import { connectDeliveries, connectHolders, connectJobs } from '../shared/aws/connect.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import type { DeliveryStore } from '../shared/aws/delivery-store.ts';
import { inputPrefix } from '../shared/aws/input-keys.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { type ObjectStore, resultPrefix } from '../shared/aws/object-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { ownedJob } from './jobs/owned.ts';
import { eraseUpload, type Release } from './jobs/upload-hold.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get' | 'end' | 'erase'>;
  readonly uploads: Pick<ObjectStore, 'erase' | 'erasePrefix'>;
  readonly results: Pick<ObjectStore, 'erasePrefix'>;
  readonly deliveries: Pick<DeliveryStore, 'erase'>;
  readonly holders: Release;
}

export function deleteJob({ jobs, uploads, results, deliveries, holders }: Services) {
  return async (request: Request): Promise<Reply> => {
    const job = await ownedJob(jobs, request);
    await jobs.end(job.id, 'canceled', new Date());
    await uploads.erasePrefix(inputPrefix(job.id));
    await eraseUpload({ holders, uploads }, job);
    await results.erasePrefix(resultPrefix(job.id));
    // Asked again: what was told since then is on the row too.
    await deliveries.erase((await jobs.get(job.id))?.deliveries ?? []);
    // The row goes last: until then a repeat of this request finds what is left to erase.
    await jobs.erase(job.id);
    return { status: 204 };
  };
}

const settings = readFunctionsEnvironment(process.env);
const log = createLogger('delete-job');
export const handler = httpFunction(
  deleteJob({
    // Listeners hear of the cancel, webhooks do not: what they could be told is about to go.
    ...connectJobs(settings, connectPublisher({ ...settings, OUTBOARD_WEBHOOK_QUEUE_URL: undefined }, log)),
    deliveries: connectDeliveries(settings),
    holders: connectHolders(settings),
    uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
  }),
  log,
);
