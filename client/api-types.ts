/** What the API takes and answers. Written by scripts/client-types.ts from the OpenAPI document: do not edit. */

export interface CreateSuperResolutionJob {
  /** A model, an alias, or `name@version`. Default: "super-resolution". */
  readonly model?: string;
  /** `batch` gets the device only where no other job waits for it. Default: "normal". */
  readonly priority?: 'normal' | 'batch';
  /** A public http(s) URL; the worker fetches it. */
  readonly image_url?: string;
  /** The file itself; up to about 4 MB. A data: URL is accepted. */
  readonly image_base64?: string;
  /** The file name that results are named after. */
  readonly image_name?: string;
  /** A file sent before through POST /v1/uploads. */
  readonly upload_id?: string;
  readonly webhook?: WebhookRequest;
  /** How many times larger in each direction: 2, 4, 8. Default: 4. */
  readonly upscale_factor?: 2 | 4 | 8;
  /** Format of both result pictures. Default: "png". */
  readonly output_format?: 'png' | 'jpeg' | 'webp';
  /** For JPEG and WebP: 1 (smallest) to 100 (best). Default: 90. */
  readonly quality?: number;
}

/** Who is told when the job ends, signed as Standard Webhooks has it. */
export interface WebhookRequest {
  /** A public https URL; it gets a POST. */
  readonly url: string;
  /** Which ends of the job to tell. Default: ["job.succeeded","job.failed","job.canceled","job.expired"]. */
  readonly events?: readonly ('job.succeeded' | 'job.failed' | 'job.canceled' | 'job.expired')[];
}

export interface CreateClassificationJob {
  /** A model, an alias, or `name@version`. Default: "super-resolution". */
  readonly model?: string;
  /** `batch` gets the device only where no other job waits for it. Default: "normal". */
  readonly priority?: 'normal' | 'batch';
  /** A public http(s) URL; the worker fetches it. */
  readonly image_url?: string;
  /** The file itself; up to about 4 MB. A data: URL is accepted. */
  readonly image_base64?: string;
  /** The file name that results are named after. */
  readonly image_name?: string;
  /** A file sent before through POST /v1/uploads. */
  readonly upload_id?: string;
  readonly webhook?: WebhookRequest;
  /** How many predictions, best first; at most 100. Default: 5. */
  readonly top_k?: number;
}

export interface CreateObjectDetectionJob {
  /** A model, an alias, or `name@version`. Default: "super-resolution". */
  readonly model?: string;
  /** `batch` gets the device only where no other job waits for it. Default: "normal". */
  readonly priority?: 'normal' | 'batch';
  /** A public http(s) URL; the worker fetches it. */
  readonly image_url?: string;
  /** The file itself; up to about 4 MB. A data: URL is accepted. */
  readonly image_base64?: string;
  /** The file name that results are named after. */
  readonly image_name?: string;
  /** A file sent before through POST /v1/uploads. */
  readonly upload_id?: string;
  readonly webhook?: WebhookRequest;
  /** Detections below this score, 0 to 1, are left out. Default: 0.25. */
  readonly score_threshold?: number;
  /** Of two boxes of one class that overlap more than this, the better one stays. Default: 0.45. */
  readonly iou_threshold?: number;
  /** Also make a picture with the boxes drawn on it. Default: false. */
  readonly annotated?: boolean;
  /** Format of the annotated picture. Default: "png". */
  readonly output_format?: 'png' | 'jpeg' | 'webp';
  /** For JPEG and WebP: 1 (smallest) to 100 (best). Default: 90. */
  readonly quality?: number;
}

export interface CreateSuperResolutionUpload {
  /** A model, an alias, or `name@version`. Default: "super-resolution". */
  readonly model?: string;
  /** The upload must declare exactly this type. */
  readonly content_type:
    | 'image/jpeg'
    | 'image/png'
    | 'image/webp'
    | 'image/gif'
    | 'image/tiff'
    | 'image/avif';
  /** The file name that results are named after. */
  readonly image_name?: string;
  /** `batch` gets the device only where no other job waits for it. Default: "normal". */
  readonly priority?: 'normal' | 'batch';
  /** A tighter bound on the size than the stage has. */
  readonly max_bytes?: number;
  /** false: only store the file, for POST /v1/jobs with upload_id. Default: true. */
  readonly start_job?: boolean;
  readonly webhook?: WebhookRequest;
  /** How many times larger in each direction: 2, 4, 8. Default: 4. */
  readonly upscale_factor?: 2 | 4 | 8;
  /** Format of both result pictures. Default: "png". */
  readonly output_format?: 'png' | 'jpeg' | 'webp';
  /** For JPEG and WebP: 1 (smallest) to 100 (best). Default: 90. */
  readonly quality?: number;
}

export interface CreateClassificationUpload {
  /** A model, an alias, or `name@version`. Default: "super-resolution". */
  readonly model?: string;
  /** The upload must declare exactly this type. */
  readonly content_type:
    | 'image/jpeg'
    | 'image/png'
    | 'image/webp'
    | 'image/gif'
    | 'image/tiff'
    | 'image/avif';
  /** The file name that results are named after. */
  readonly image_name?: string;
  /** `batch` gets the device only where no other job waits for it. Default: "normal". */
  readonly priority?: 'normal' | 'batch';
  /** A tighter bound on the size than the stage has. */
  readonly max_bytes?: number;
  /** false: only store the file, for POST /v1/jobs with upload_id. Default: true. */
  readonly start_job?: boolean;
  readonly webhook?: WebhookRequest;
  /** How many predictions, best first; at most 100. Default: 5. */
  readonly top_k?: number;
}

export interface CreateObjectDetectionUpload {
  /** A model, an alias, or `name@version`. Default: "super-resolution". */
  readonly model?: string;
  /** The upload must declare exactly this type. */
  readonly content_type:
    | 'image/jpeg'
    | 'image/png'
    | 'image/webp'
    | 'image/gif'
    | 'image/tiff'
    | 'image/avif';
  /** The file name that results are named after. */
  readonly image_name?: string;
  /** `batch` gets the device only where no other job waits for it. Default: "normal". */
  readonly priority?: 'normal' | 'batch';
  /** A tighter bound on the size than the stage has. */
  readonly max_bytes?: number;
  /** false: only store the file, for POST /v1/jobs with upload_id. Default: true. */
  readonly start_job?: boolean;
  readonly webhook?: WebhookRequest;
  /** Detections below this score, 0 to 1, are left out. Default: 0.25. */
  readonly score_threshold?: number;
  /** Of two boxes of one class that overlap more than this, the better one stays. Default: 0.45. */
  readonly iou_threshold?: number;
  /** Also make a picture with the boxes drawn on it. Default: false. */
  readonly annotated?: boolean;
  /** Format of the annotated picture. Default: "png". */
  readonly output_format?: 'png' | 'jpeg' | 'webp';
  /** For JPEG and WebP: 1 (smallest) to 100 (best). Default: 90. */
  readonly quality?: number;
}

export interface Job {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'expired';
  readonly task: string;
  /** As it was asked for. */
  readonly model: string;
  /** What runs: `name@version`. */
  readonly model_version?: string;
  /** Defaults included. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly priority: 'normal' | 'batch';
  readonly progress?: Progress;
  readonly queue?: QueuePlace;
  readonly channel?: Channel;
  /** How often work on it has started. */
  readonly attempt: number;
  readonly max_attempts: number;
  readonly error?: JobError;
  readonly evidence?: Evidence;
  /** Milliseconds by phase. */
  readonly timings?: Readonly<Record<string, number>>;
  /** Once it has succeeded; not in lists. */
  readonly output?: SuperResolutionOutput | ClassificationOutput | ObjectDetectionOutput;
  /** hit: the stored answer of the same request. */
  readonly cache?: 'hit' | 'miss';
  readonly created_at: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  /** When it ends as expired if nothing else happens. */
  readonly deadline_at: string;
  readonly input: JobInput;
  readonly links: {
    readonly self: string;
    readonly cancel: string;
    readonly retry: string;
    /** What its webhook was told; where it has one. */
    readonly deliveries?: string;
  };
}

/** What is being done now: completed of total units of a phase. */
export interface Progress {
  readonly phase: string;
  readonly completed: number;
  readonly total: number;
  readonly unit: string;
  /** Estimate for the rest of this phase. */
  readonly eta_seconds?: number;
}

/** While the job is queued: what it waits for. */
export interface QueuePlace {
  readonly phase: 'waiting for capacity' | 'starting worker' | 'loading model' | 'in line';
  /** 1 is next. */
  readonly position: number;
  /** There are more jobs before this one than were counted. */
  readonly position_is_minimum?: true;
  /** Estimate of the seconds until it is finished. */
  readonly eta_seconds?: number;
  /** Why there is no capacity. */
  readonly detail?: string;
}

/** While the job is open: where its changes are told as they happen. */
export interface Channel {
  /** WebSocket address, token included. Send any message for a snapshot. */
  readonly url: string;
  readonly token: string;
  /** Until when the token opens connections. */
  readonly expires_at: string;
}

/** Why the job failed; the codes are those of refused requests. */
export interface JobError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
}

/** Stable: branch on this. More may come. */
export type ErrorCode =
  | 'invalid_json'
  | 'invalid_request'
  | 'unknown_field'
  | 'input_missing'
  | 'input_ambiguous'
  | 'invalid_base64'
  | 'unsupported_upscale_factor'
  | 'invalid_idempotency_key'
  | 'unauthorized'
  | 'unknown_model'
  | 'job_not_found'
  | 'delivery_not_found'
  | 'upload_not_found'
  | 'route_not_found'
  | 'job_finished'
  | 'job_not_retryable'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'idempotency_key_reused'
  | 'webhook_url_invalid'
  | 'webhook_url_forbidden'
  | 'too_many_requests'
  | 'internal_error'
  | 'queue_unavailable'
  | 'service_unavailable'
  | 'url_invalid'
  | 'url_forbidden'
  | 'url_unreachable'
  | 'url_status'
  | 'url_server_error'
  | 'url_timeout'
  | 'url_too_many_redirects'
  | 'input_too_large'
  | 'input_not_found'
  | 'image_not_recognized'
  | 'image_format_unsupported'
  | 'image_corrupt'
  | 'image_too_many_pixels'
  | 'output_too_many_pixels'
  | 'output_format_limit'
  | 'memory_exceeded'
  | 'model_failed'
  | 'device_out_of_memory'
  | 'model_unavailable'
  | 'storage_failed'
  | 'attempts_exhausted'
  | 'quarantined'
  | 'deadline_exceeded'
  | (string & {});

/** What a job in quarantine was doing when its last worker died. */
export interface Evidence {
  readonly worker: string;
  readonly model_version?: string;
  readonly input_sha256?: string;
  readonly phase: string;
  readonly log: readonly string[];
}

export interface SuperResolutionOutput {
  /** The enlarged picture; the link lives for an hour, read the job again for a new one. */
  readonly sr_image_url: string;
  readonly sr_image_uri: string;
  /** The bicubic enlargement of the input, for comparison. */
  readonly original_image_url: string;
  readonly original_image_uri: string;
  readonly upscale_factor: number;
  readonly width: number;
  readonly height: number;
  readonly input: InputPicture;
}

export interface InputPicture {
  /** After EXIF orientation. */
  readonly width: number;
  readonly height: number;
  readonly format: string;
  /** Frames or pages in the file; the first is the one used. */
  readonly pages: number;
}

export interface ClassificationOutput {
  /** Best first. */
  readonly predictions: readonly Prediction[];
  readonly input: InputPicture;
}

export interface Prediction {
  readonly label: string;
  readonly class_id: number;
  readonly score: number;
}

export interface ObjectDetectionOutput {
  /** Best first. */
  readonly detections: readonly Detection[];
  readonly annotated_image_url?: string;
  readonly annotated_image_uri?: string;
  readonly input: InputPicture;
}

export interface Detection {
  readonly label: string;
  readonly class_id: number;
  readonly score: number;
  /** In pixels of the upright input; x and y are the top left corner. */
  readonly box: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
}

/** The picture of the job. */
export interface JobInput {
  /** stored: the stage keeps it for a time. */
  readonly kind: 'stored' | 'url';
  readonly name?: string;
  /** The `image_url` of the request, or a signed link to the stored picture; the latter not in lists. */
  readonly url?: string;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A sentence for a person. */
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  /** The request field at fault. */
  readonly field?: string;
}

export interface JobList {
  readonly jobs: readonly Job[];
  readonly cursor?: string;
}

export interface DeliveryList {
  /** Newest first. */
  readonly deliveries: readonly Delivery[];
}

/** One event for one webhook. */
export interface Delivery {
  /** The webhook-id of every attempt. */
  readonly id: string;
  readonly event: string;
  readonly url: string;
  /** failed: given up, or ended by the receiver. */
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly created_at: string;
  /** While pending. */
  readonly next_attempt_at?: string;
  /** Newest first. */
  readonly attempts: readonly DeliveryAttempt[];
  readonly links: {
    readonly redeliver: string;
  };
}

export interface DeliveryAttempt {
  readonly at: string;
  readonly duration_ms: number;
  /** What it answered, if it did. */
  readonly status?: number;
  /** Why it does not count; absent where it was taken. */
  readonly reason?:
    | 'bad_status'
    | 'redirect'
    | 'gone'
    | 'timeout'
    | 'unreachable'
    | 'forbidden'
    | (string & {});
  readonly message?: string;
}

export interface Upload {
  readonly upload_id: string;
  readonly url: string;
  /** Form fields to send before the file. */
  readonly fields: Readonly<Record<string, string>>;
  readonly max_bytes: number;
  readonly expires_at: string;
  readonly job?: {
    readonly id: string;
    readonly links: {
      readonly self: string;
    };
  };
}

export interface Model {
  readonly name: string;
  readonly task: string;
  readonly description: string;
  readonly licence: string;
  readonly aliases: readonly string[];
  readonly version: string;
  readonly versions: readonly string[];
  /** JSON Schema of the task parameters. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What classes are called, by class id. */
  readonly labels?: readonly string[];
  readonly metrics?: Readonly<Record<string, unknown>>;
}

export interface Fleet {
  readonly stage: string;
  readonly queue: {
    /** Messages that wait, about. */
    readonly waiting: number;
  };
  /** Those heard from in the last 30 seconds, oldest first. */
  readonly workers: readonly FleetWorker[];
  /** What the scaler ordered last; absent where workers are started by other means. */
  readonly order?: {
    readonly desired: number;
    /** Workers that are paid for, ready or not. */
    readonly running: number;
    /** Predicted device seconds of all open jobs. */
    readonly backlog_seconds: number;
    readonly open_jobs: number;
    readonly reason: string;
    readonly updated_at: string;
    readonly capacity_error?: {
      readonly code: string;
      readonly message: string;
      readonly at: string;
    };
  };
}

export interface FleetWorker {
  readonly id: string;
  readonly state: 'loading' | 'ready' | 'draining';
  readonly device: string;
  /** Jobs in hand. */
  readonly busy: number;
  /** Jobs it takes at once. */
  readonly places: number;
  /** Loaded `name@version`s. */
  readonly models: readonly string[];
  readonly started_at: string;
  readonly seen_at: string;
}

export interface WebhookSecret {
  /** `whsec_…`, as Standard Webhooks writes secrets. */
  readonly current: string;
  /** The one before: it signs beside the current one until the next rotation. */
  readonly previous?: string;
}

export interface Health {
  readonly status: 'ok' | 'degraded';
  readonly stage: string;
  readonly queue: unknown;
  readonly models: unknown;
}
