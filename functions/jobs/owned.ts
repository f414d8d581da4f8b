/** A tenant's own job by the id in the path. Another tenant's job answers exactly like one that never was. */
import type { JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { isJobId, type Job } from '../../shared/job.ts';
import type { Request } from '../http/edge.ts';

/** @throws job_not_found */
export async function ownedJob(jobs: Pick<JobStore, 'get'>, request: Request): Promise<Job> {
  const id = request.path.id ?? '';
  const job = isJobId(id) ? await jobs.get(id) : undefined;
  if (job?.tenant !== request.tenant) throw new OutboardError('job_not_found');
  return job;
}
