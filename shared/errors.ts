/**
 * Every error a client can meet, in one table. The code is the contract: clients branch on it, docs list it,
 * a test proves that the docs and this table agree. Renaming a code breaks users; adding one does not.
 */

/** What a code means to HTTP and to the retry policy. */
interface ErrorKind {
  /** Status of the problem+json answer when the error is met at the HTTP edge. */
  readonly httpStatus: number;
  /** True where the same work may succeed later: the job goes back to the queue. */
  readonly retryable: boolean;
  /** One sentence a person can act on. */
  readonly publicMessage: string;
}

const kind = (httpStatus: number, retryable: boolean, publicMessage: string): ErrorKind => ({
  httpStatus,
  retryable,
  publicMessage,
});

export const errorKinds = {
  // The request itself.
  invalid_json: kind(400, false, 'The body is not valid JSON.'),
  invalid_request: kind(400, false, 'A field of the request is missing or has the wrong form.'),
  unknown_field: kind(400, false, 'The request has a field that this route does not know.'),
  input_missing: kind(400, false, 'Give the picture as image_url, image_base64 or upload_id.'),
  input_ambiguous: kind(
    400,
    false,
    'Give the picture in one way only: image_url, image_base64 or upload_id.',
  ),
  invalid_base64: kind(400, false, 'image_base64 is not valid base64.'),
  unsupported_upscale_factor: kind(400, false, 'The model cannot enlarge by this upscale_factor.'),
  invalid_idempotency_key: kind(400, false, 'Idempotency-Key must be 1 to 255 printable ASCII characters.'),
  unauthorized: kind(403, false, 'The x-api-key header is missing or not known.'),
  unknown_model: kind(404, false, 'There is no model of that name here; GET /v1/models lists them.'),
  job_not_found: kind(404, false, 'There is no job with that id.'),
  delivery_not_found: kind(
    404,
    false,
    'The job has no such delivery; GET /v1/jobs/{id}/deliveries lists them.',
  ),
  upload_not_found: kind(404, false, 'There is no uploaded file with that id, or it has expired.'),
  route_not_found: kind(404, false, 'There is no such route; GET /v1/openapi.json lists them.'),
  job_finished: kind(409, false, 'The job has already ended, so it can no longer be canceled.'),
  job_not_retryable: kind(409, false, 'Only a job that failed, expired or was canceled can be run again.'),
  body_too_large: kind(
    413,
    false,
    'The body is too large; send the picture through POST /v1/uploads instead.',
  ),
  unsupported_media_type: kind(415, false, 'Send the body as application/json.'),
  idempotency_key_reused: kind(422, false, 'This Idempotency-Key was used before with another body.'),
  webhook_url_invalid: kind(422, false, 'webhook.url must be an https URL without credentials.'),
  webhook_url_forbidden: kind(
    422,
    false,
    'webhook.url leads to an address that is not on the public internet.',
  ),
  too_many_requests: kind(429, true, 'Too many requests; wait as long as Retry-After says.'),
  internal_error: kind(500, true, 'Something failed on our side.'),
  queue_unavailable: kind(503, true, 'The job could not be queued; repeat with the same Idempotency-Key.'),
  service_unavailable: kind(503, true, 'A service behind the API did not answer; try again.'),

  // Fetching the input.
  url_invalid: kind(422, false, 'image_url must be an http or https URL without credentials.'),
  url_forbidden: kind(422, false, 'image_url leads to an address that is not on the public internet.'),
  url_unreachable: kind(422, true, 'The server of image_url could not be reached.'),
  url_status: kind(422, false, 'The server of image_url did not answer with the file.'),
  url_server_error: kind(422, true, 'The server of image_url failed or asked to slow down.'),
  url_timeout: kind(422, true, 'Fetching image_url took longer than the limit.'),
  url_too_many_redirects: kind(422, false, 'image_url redirects too many times.'),
  input_too_large: kind(422, false, 'The file has more bytes than the limit.'),
  input_not_found: kind(422, false, 'The uploaded file is no longer there.'),

  // The picture.
  image_not_recognized: kind(422, false, 'The file is not a picture in a known format.'),
  image_format_unsupported: kind(
    422,
    false,
    'This picture format is not supported; send JPEG, PNG, WebP, GIF, TIFF or AVIF.',
  ),
  image_corrupt: kind(422, false, 'The picture is truncated or damaged.'),
  image_too_many_pixels: kind(422, false, 'The picture has more pixels than the limit.'),
  output_too_many_pixels: kind(422, false, 'The enlarged picture would have more pixels than the limit.'),
  output_format_limit: kind(422, false, 'The enlarged picture is too wide or high for this output format.'),

  memory_exceeded: kind(422, false, 'The job needs more memory or scratch disk than a worker here has.'),

  // The run.
  model_failed: kind(500, true, 'The model failed on this input.'),
  device_out_of_memory: kind(
    500,
    false,
    'The device has too little memory for this, even for one small piece at a time.',
  ),
  model_unavailable: kind(503, true, 'The model could not be loaded.'),
  storage_failed: kind(503, true, 'Results could not be stored.'),
  attempts_exhausted: kind(500, false, 'The job was started as often as allowed and never finished.'),
  quarantined: kind(
    500,
    false,
    'Every worker that ran the job died in the middle of it, so it is not started again.',
  ),
  deadline_exceeded: kind(504, false, 'The job did not finish before its deadline.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** What may be shown to a client: stored on the job's row, sent as problem+json. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly message: string;
  /** The request field at fault, where there is one. */
  readonly field?: string;
}

/**
 * The one error class that crosses module borders. `detail` is public: it goes to the client after the
 * sentence of the table. What is internal goes into `cause`, which is logged and never sent.
 */
export class OutboardError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;

  constructor(code: ErrorCode, options: { detail?: string; field?: string; cause?: unknown } = {}) {
    const sentence = errorKinds[code].publicMessage;
    super(options.detail === undefined ? sentence : `${sentence} ${options.detail}`, {
      cause: options.cause,
    });
    this.name = 'OutboardError';
    this.code = code;
    this.field = options.field;
  }

  get retryable(): boolean {
    return errorKinds[this.code].retryable;
  }

  get httpStatus(): number {
    return errorKinds[this.code].httpStatus;
  }

  toPublic(): PublicError {
    const error = { code: this.code, message: this.message };
    return this.field === undefined ? error : { ...error, field: this.field };
  }
}

/** Any thrown value as an OutboardError; what was not foreseen becomes `fallback` with the original as cause. */
export function asOutboardError(thrown: unknown, fallback: ErrorCode = 'internal_error'): OutboardError {
  return thrown instanceof OutboardError ? thrown : new OutboardError(fallback, { cause: thrown });
}
