/** POST /v1/jobs/{id}/cancel: ends a queued or running job now; its worker loses the claim and stops within a tile. */
import { connectJobs } from '../shared/aws/connect.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';
import { jobSummary } from './http/job-view.ts';
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

const { jobs } = connectJobs(readFunctionsEnvironment(process.env));
export const handler = httpFunction(cancelJob(jobs), createLogger('cancel-job'));
