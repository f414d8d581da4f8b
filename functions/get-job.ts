/** GET /v1/jobs/{id}?wait=N: status, progress and, once there, the results. */
import { connectFleet, connectJobs, connectSecrets } from '../shared/aws/connect.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import type { ObjectStore } from '../shared/aws/object-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { jobView } from '../shared/job-view.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { channelFrom, type GrantChannel, grantChannel } from './jobs/channel-grant.ts';
import { ownedJob } from './jobs/owned.ts';
import { queueView } from './jobs/queue-view.ts';
import { readWait, waitForEnd } from './jobs/wait.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get'>;
  readonly results: Pick<ObjectStore, 'presignGet' | 'uri'>;
  readonly uploads: Pick<ObjectStore, 'presignGet'>;
  readonly queued: ReturnType<typeof queueView>;
  readonly grant: GrantChannel;
  readonly linkSeconds: number;
}

export function getJob({ jobs, results, uploads, queued, grant, linkSeconds }: Services) {
  return async (request: Request): Promise<Reply> => {
    const wait = readWait(request.query.wait, request.headers.prefer);
    if (wait > 0) await waitForEnd(jobs, request.path.id ?? '', wait);
    const job = await ownedJob(jobs, request);
    const [view, queue, channel] = await Promise.all([
      jobView(job, request.baseUrl, results, linkSeconds, uploads),
      queued(job),
      grant(job),
    ]);
    return { status: 200, body: { ...view, queue, channel } };
  };
}

const settings = readFunctionsEnvironment(process.env);
const { jobs, index } = connectJobs(settings);
export const handler = httpFunction(
  getJob({
    jobs,
    queued: queueView({
      index,
      fleet: connectFleet(settings),
      startSeconds: settings.OUTBOARD_START_SECONDS,
    }),
    grant: grantChannel(connectSecrets(settings), channelFrom(settings)),
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
    uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
    linkSeconds: settings.OUTBOARD_RESULT_URL_SECONDS,
  }),
  createLogger('get-job'),
);
