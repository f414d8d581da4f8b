/**
 * A job as a client sees it. Links to files are signed when the job is read and live for a stated time, so no
 * bucket is ever public; the s3:// address stays the same for those who read with their own credentials.
 */
import { isTerminal, type Job, type JobInput } from './job.ts';

/** What signs links to result files; the store of the results bucket does. */
export interface ResultLinks {
  presignGet(key: string, seconds: number): Promise<string>;
  uri(key: string): string;
}

/**
 * The whole job, with fresh links to its results, and to its picture where that is stored.
 * @param linkSeconds how long the links can be used
 * @param uploads where pictures are stored; without it the job is shown without a link to its own
 */
export async function jobView(
  job: Job,
  baseUrl: string,
  results: ResultLinks,
  linkSeconds: number,
  uploads?: Pick<ResultLinks, 'presignGet'>,
) {
  const { input } = job;
  const url = input.kind === 'object' ? await uploads?.presignGet(input.key, linkSeconds) : undefined;
  const summary = jobSummary(job, baseUrl);
  return {
    ...summary,
    input: { ...summary.input, ...(url === undefined ? {} : { url }) },
    output: await outputView(job, results, linkSeconds),
  };
}

/** The job without result links: what a list and the first answer show. */
export function jobSummary(job: Job, baseUrl: string) {
  const self = `${baseUrl}/v1/jobs/${job.id}`;
  const links = { self, cancel: `${self}/cancel`, retry: `${self}/retry` };
  // The URL itself is for the tenant alone, and a job is shown to listeners too.
  const told = job.webhook === undefined ? {} : { deliveries: `${self}/deliveries` };
  return { ...jobState(job), input: inputView(job.input), links: { ...links, ...told } };
}

const inputView = (input: JobInput) => ({
  kind: input.kind === 'url' ? ('url' as const) : ('stored' as const),
  ...(input.name === undefined ? {} : { name: input.name }),
  ...(input.kind === 'url' ? { url: input.url } : {}),
});

/**
 * One change of a job for its listeners: `result` once it has ended, `progress` while a worker is at it, `status` else.
 * An event with a smaller `seq` than one already seen is old.
 */
export async function channelEvent(job: Job, results: ResultLinks, linkSeconds: number) {
  const type = isTerminal(job.status) ? 'result' : job.progress === undefined ? 'status' : 'progress';
  return { type, ...(await snapshot(job, results, linkSeconds)) } as const;
}

/** The whole truth about a job at one moment. */
export async function snapshot(job: Job, results: ResultLinks, linkSeconds: number) {
  const output = await outputView(job, results, linkSeconds);
  return { seq: job.seq ?? 0, job: { ...jobState(job), ...(output === undefined ? {} : { output }) } };
}

/** Everything that changes and everything that was asked for, without addresses. */
function jobState(job: Job) {
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
    evidence: job.error?.code === 'quarantined' ? job.evidence : undefined,
    cache: job.output?.cache,
    timings: job.timings,
    created_at: job.created_at,
    started_at: job.started_at,
    finished_at: job.finished_at,
    deadline_at: job.deadline_at,
  };
}

async function outputView(job: Job, results: ResultLinks, linkSeconds: number) {
  if (job.output === undefined) return undefined;
  const files = await Promise.all(
    Object.entries(job.output.files).map(async ([role, file]) => ({
      [`${role}_url`]: await results.presignGet(file.key, linkSeconds),
      [`${role}_uri`]: results.uri(file.key),
    })),
  );
  return Object.assign({}, ...files, job.output.facts) as Record<string, unknown>;
}
