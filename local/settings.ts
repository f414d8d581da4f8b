/**
 * The names, ports and keys of the stack on one machine. Everything listens on the loopback interface; the keys
 * are no secrets. Names must match `params.local` in serverless.yml.
 */
import path from 'node:path';

export const STAGE = 'local';
export const HOST = '127.0.0.1';
/**
 * A server keeps a quiet connection this long. Node's five seconds end it, on a busy machine, in the moment in which a client sends
 * its next request on it.
 */
export const KEEP_ALIVE_MS = 72_000;
export const API_KEY = 'outboard-local';
export const credentials = { accessKeyId: 'outboard-local', secretAccessKey: 'outboard-local-secret' };

export const names = {
  queue: 'outboard-local-jobs',
  deadLetters: 'outboard-local-jobs-dead',
  webhooks: 'outboard-local-webhooks',
  webhookDeadLetters: 'outboard-local-webhooks-dead',
  table: 'outboard-local-jobs',
  uploads: 'outboard-local-uploads',
  results: 'outboard-local-results',
  models: 'outboard-local-models',
} as const;

export interface StackOptions {
  /** The API's port; the services behind it take the ports that follow. */
  readonly port: number;
  /** Where data lives between runs. */
  readonly directory: string;
}

/** Which port each part listens on. The gaps are ports that serverless-offline opens for itself. */
export const portsFrom = (port: number) => ({
  api: port,
  functions: port + 8,
  websocket: port + 1,
  lambda: port + 2,
  alb: port + 3,
  s3: port + 4,
  sqs: port + 5,
  dynamodb: port + 6,
  metrics: port + 7,
  fleet: port + 9,
});

/**
 * How glibc's allocator is set for a worker's process, here and in its container (a test compares the Dockerfile), so that
 * memory seen on a laptop is that of a stage. It is read before a process runs any code: whoever starts a worker sets it.
 */
export const workerAllocator = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '1048576' } as const;

/** The environment that functions and worker get, as a deployed stage would give it to them. */
export function stackEnvironment({ port, directory }: StackOptions): Record<string, string> {
  const ports = portsFrom(port);
  const url = (of: number) => `http://${HOST}:${of}`;
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_SQS: url(ports.sqs),
    AWS_ENDPOINT_URL_DYNAMODB: url(ports.dynamodb),
    AWS_ENDPOINT_URL_S3: url(ports.s3),
    OUTBOARD_STAGE: STAGE,
    OUTBOARD_QUEUE_URL: `${url(ports.sqs)}/000000000000/${names.queue}`,
    OUTBOARD_WEBHOOK_QUEUE_URL: `${url(ports.sqs)}/000000000000/${names.webhooks}`,
    OUTBOARD_WEBHOOK_DEAD_LETTERS_URL: `${url(ports.sqs)}/000000000000/${names.webhookDeadLetters}`,
    OUTBOARD_WEBHOOK_LOOPBACK: 'true',
    OUTBOARD_JOBS_TABLE: names.table,
    OUTBOARD_UPLOADS_BUCKET: names.uploads,
    OUTBOARD_RESULTS_BUCKET: names.results,
    OUTBOARD_MODELS_BUCKET: names.models,
    OUTBOARD_CHANNEL_URL: `ws://${HOST}:${ports.websocket}`,
    OUTBOARD_CHANNEL_ENDPOINT: url(ports.websocket),
    OUTBOARD_METRICS_PORT: String(ports.metrics),
    OUTBOARD_SCRATCH_DIRECTORY: path.join(directory, 'scratch'),
    OUTBOARD_MODELS_DIRECTORY: path.join(directory, 'models'),
    // A receive that is cut off hides its message for one visibility timeout here, so receives are short.
    OUTBOARD_POLL_SECONDS: '1',
    OUTBOARD_SHUTDOWN_SECONDS: '5',
    // The local S3 server is the one loopback address that image_url may name.
    OUTBOARD_FETCH_ALLOWED_ORIGINS: url(ports.s3),
  };
}
