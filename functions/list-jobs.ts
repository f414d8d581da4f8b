/** GET /v1/jobs?limit=&cursor=&status=: the tenant's jobs, newest first. */
import { connectJobs } from '../shared/aws/connect.ts';
import type { JobIndex } from '../shared/aws/job-index.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { jobSummary } from '../shared/job-view.ts';
import { createLogger } from '../shared/log.ts';
import { listJobsQuery, parse } from '../shared/requests.ts';
import { httpFunction, type Reply, type Request } from './http/edge.ts';

export function listJobs(index: Pick<JobIndex, 'list'>) {
  return async (request: Request): Promise<Reply> => {
    const query = parse(listJobsQuery, request.query);
    const { jobs, cursor } = await index.list(request.tenant, query);
    const summaries = jobs.map((job) => jobSummary(job, request.baseUrl));
    return { status: 200, body: { jobs: summaries, ...(cursor === undefined ? {} : { cursor }) } };
  };
}

const { index } = connectJobs(readFunctionsEnvironment(process.env));
export const handler = httpFunction(listJobs(index), createLogger('list-jobs'));
