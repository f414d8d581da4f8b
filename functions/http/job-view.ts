/**
 * A job as a client sees it. Links to files are signed when the job is read and live for a stated time, so no
 * bucket is ever public; the s3:// address stays the same for those who read with their own credentials.
 */
import type { ObjectStore } from '../../shared/aws/object-store.ts';
import type { Job } from '../../shared/job.ts';

type Links = Pick<ObjectStore, 'presignGet' | 'uri'>;

/** The whole job, with fresh links to its results. @param linkSeconds how long the links can be used */
export async function jobView(job: Job, baseUrl: string, results: Links, linkSeconds: number) {
  return { ...jobSummary(job, baseUrl), output: await outputView(job, results, linkSeconds) };
}

/** The job without result links: what a list and the first answer show. */
export function jobSummary(job: Job, baseUrl: string) {
  const self = `${baseUrl}/v1/jobs/${job.id}`;
  return {
    id: job.id,
    status: job.status,
    task: job.task,
    model: job.model,
    model_version: job.model_version,
    parameters: job.parameters,
    priority: job.priority ?? 'normal',
    progress: job.progress,
    attempt: job.attempt,
    max_attempts: job.max_attempts,
    error: job.error,
    cache: job.output?.cache,
    timings: job.timings,
    created_at: job.created_at,
    started_at: job.started_at,
    finished_at: job.finished_at,
    deadline_at: job.deadline_at,
    links: { self, cancel: `${self}/cancel`, retry: `${self}/retry` },
  };
}

async function outputView(job: Job, results: Links, linkSeconds: number) {
  if (job.output === undefined) return undefined;
  const files = await Promise.all(
    Object.entries(job.output.files).map(async ([role, file]) => ({
      [`${role}_url`]: await results.presignGet(file.key, linkSeconds),
      [`${role}_uri`]: results.uri(file.key),
    })),
  );
  return Object.assign({}, ...files, job.output.facts) as Record<string, unknown>;
}
