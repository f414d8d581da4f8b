/** GET /v1/jobs/{id}?wait=N: status, progress and, once there, the results. */
import { connectFleet, connectJobs, connectObjects } from '../shared/aws/connect.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import type { ObjectStore } from '../shared/aws/object-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { jobView } from './http/job-view.ts';
import { ownedJob } from './jobs/owned.ts';
import { queueView } from './jobs/queue-view.ts';
import { readWait, waitForEnd } from './jobs/wait.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get'>;
  readonly results: Pick<ObjectStore, 'presignGet' | 'uri'>;
  readonly queued: ReturnType<typeof queueView>;
  readonly linkSeconds: number;
}

export function getJob({ jobs, results, queued, linkSeconds }: Services) {
  return async (request: Request): Promise<Reply> => {
    const wait = readWait(request.query.wait, request.headers.prefer);
    if (wait > 0) await waitForEnd(jobs, request.path.id ?? '', wait);
    const job = await ownedJob(jobs, request);
    const [view, queue] = await Promise.all([
      jobView(job, request.baseUrl, results, linkSeconds),
      queued(job),
    ]);
    return { status: 200, body: queue === undefined ? view : { ...view, queue } };
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
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
    linkSeconds: settings.OUTBOARD_RESULT_URL_SECONDS,
  }),
  createLogger('get-job'),
);
