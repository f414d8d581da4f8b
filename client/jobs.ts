/** `outboard.jobs`: the routes under /v1/jobs, one method each. */
import type { Job, JobList } from './api-types.ts';
import type { Abortable, Http } from './http.ts';
import type { CreateJob } from './tasks.ts';

export interface CreateJobOptions extends Abortable {
  /** The same key with the same request never makes a second job. Default: a new one for each call. */
  readonly idempotencyKey?: string | undefined;
  /** true: compute anew, also where the same question was answered before. */
  readonly noCache?: boolean | undefined;
}

interface ListOptions extends Abortable {
  readonly status?: Job['status'] | undefined;
  /** Jobs fetched at a time, at most 100. */
  readonly pageSize?: number | undefined;
}

export class Jobs {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Accepts a job; it is `queued` when this answers. A key makes it safe to repeat, so it is repeated. */
  create(request: CreateJob, { idempotencyKey, noCache, signal }: CreateJobOptions = {}): Promise<Job> {
    return this.#http.json('POST', '/v1/jobs', {
      body: request,
      headers: {
        'idempotency-key': idempotencyKey ?? crypto.randomUUID(),
        ...(noCache === true ? { 'cache-control': 'no-cache' } : {}),
      },
      signal,
    });
  }

  /** @param options `waitSeconds`: the answer is held until the job has ended, up to 25 */
  get(id: string, { waitSeconds, signal }: Abortable & { readonly waitSeconds?: number } = {}): Promise<Job> {
    return this.#http.json('GET', pathOf(id), { query: { wait: waitSeconds }, signal });
  }

  /** All jobs of the key, newest first, without their results; pages are fetched as they are needed. */
  async *list({ status, pageSize, signal }: ListOptions = {}): AsyncGenerator<Job, void, undefined> {
    let cursor: string | undefined;
    do {
      const query = { status, limit: pageSize, cursor };
      const page: JobList = await this.#http.json('GET', '/v1/jobs', { query, signal });
      yield* page.jobs;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** Ends an open job. @throws OutboardApiError `job_finished` where it has ended otherwise. */
  cancel(id: string, { signal }: Abortable = {}): Promise<Job> {
    return this.#http.json('POST', `${pathOf(id)}/cancel`, { signal });
  }

  /** Runs a job again, under the same id. @throws OutboardApiError `job_not_retryable` where it is open or succeeded. */
  retry(id: string, { signal }: Abortable = {}): Promise<Job> {
    return this.#http.json('POST', `${pathOf(id)}/retry`, { signal, repeatable: false });
  }

  /** Erases input, results and row. */
  delete(id: string, { signal }: Abortable = {}): Promise<void> {
    return this.#http.json('DELETE', pathOf(id), { signal });
  }
}

const pathOf = (id: string): string => `/v1/jobs/${encodeURIComponent(id)}`;
