/** The ways a call can fail: the API refused it, the API could not be reached, or the job itself did not succeed. */
import type { ErrorCode, Job } from './api-types.ts';

interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly field?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** The API, or the object store for an upload, answered with an error. */
export class OutboardApiError extends Error {
  override readonly name = 'OutboardApiError';
  /** HTTP status. */
  readonly status: number;
  /** Of the API's table, or the client's own: `upload_refused`, `unexpected_answer`, `result_not_found`. Branch on it. */
  readonly code: ErrorCode;
  /** A sentence for a person. */
  readonly detail: string;
  /** The request field at fault, where there is one. */
  readonly field: string | undefined;
  /** Finds the request in the logs of the stage. */
  readonly requestId: string | undefined;
  /** When the same request may pass, where the server said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor({ status, code, detail, field, requestId, retryAfterSeconds }: Refusal) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.field = field;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer came, however often the request was repeated. `cause` is the last failure. */
export class OutboardConnectionError extends Error {
  override readonly name = 'OutboardConnectionError';

  constructor(url: string, cause: unknown) {
    super(`${new URL(url).origin} could not be reached.`, { cause });
  }
}

/** The job ended, and not with `succeeded`. */
export class JobFailedError extends Error {
  override readonly name = 'JobFailedError';
  readonly job: Job;
  /** The code of the job's error, or its status where it has none: `canceled`, say. */
  readonly code: ErrorCode;

  constructor(job: Job) {
    super(job.error?.message ?? `The job is ${job.status}.`);
    this.job = job;
    this.code = job.error?.code ?? job.status;
  }
}
