/** POST /v1/jobs/{id}/cancel: ends a queued or running job now; its worker loses the claim and stops within a tile. */
import { connectJobs } from '../shared/aws/connect.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { jobSummary } from '../shared/job-view.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { ownedJob } from './jobs/owned.ts';

export function cancelJob(jobs: Pick<JobStore, 'get' | 'end'>) {
  return async (request: Request): Promise<Reply> => {
    const found = await ownedJob(jobs, request);
    const canceled = await jobs.end(found.id, 'canceled', new Date());
    if (canceled !== undefined) return { status: 200, body: jobSummary(canceled, request.baseUrl) };
    const now = await ownedJob(jobs, request);
    // Canceling twice is what a client does that did not see the first answer.
    if (now.status === 'canceled') return { status: 200, body: jobSummary(now, request.baseUrl) };
    throw new OutboardError('job_finished', { detail: `It is ${now.status}.` });
  };
}

const settings = readFunctionsEnvironment(process.env);
const log = createLogger('cancel-job');
const { jobs } = connectJobs(settings, connectPublisher(settings, log));
export const handler = httpFunction(cancelJob(jobs), log);
