/**
 * Settings: defaults → environment → validated once, all problems told together, each naming its variable.
 * `process.env` itself is read only where a half is put together (gpu-worker/main.ts, the bottom of a function).
 */
import * as z from 'zod';
import { QUARANTINE_AFTER } from './job.ts';

const wholeNumber = (fallback: number, minimum: number, meaning: string) =>
  z.coerce.number().int().min(minimum).default(fallback).describe(meaning);
const text = (meaning: string) => z.string().min(1).describe(meaning);
const textOr = (fallback: string, meaning: string) => z.string().min(1).default(fallback).describe(meaning);
/** Empty is as good as unset: a template cannot leave a variable out. */
const optionalText = (meaning: string) =>
  z
    .string()
    .optional()
    .transform((value) => (value === '' ? undefined : value))
    .describe(meaning);
const endpoint = (service: string) =>
  z.url().optional().describe(`Where ${service} is; unset means AWS itself.`);

/** Where the AWS services are. */
const services = {
  AWS_REGION: textOr('us-east-1', 'Region of the stage.'),
  AWS_ENDPOINT_URL_SQS: endpoint('SQS'),
  AWS_ENDPOINT_URL_DYNAMODB: endpoint('DynamoDB'),
  AWS_ENDPOINT_URL_S3: endpoint('S3'),
  OUTBOARD_QUEUE_URL: z.url().describe('URL of the queue of wake-ups.'),
  OUTBOARD_JOBS_TABLE: text('Name of the jobs table.'),
  OUTBOARD_UPLOADS_BUCKET: text('Bucket of inputs.'),
  OUTBOARD_RESULTS_BUCKET: text('Bucket of results.'),
  OUTBOARD_MODELS_BUCKET: text('Bucket of model packages and their catalog.'),
  OUTBOARD_MAX_INPUT_BYTES: wholeNumber(33_554_432, 1, 'Largest file taken as input.'),
  OUTBOARD_STAGE: textOr('local', 'Name of the stage.'),
  OUTBOARD_RESULT_URL_SECONDS: wholeNumber(3_600, 1, 'Life of a link to a result.'),
  OUTBOARD_CHANNEL_ENDPOINT: optionalText(
    'Where messages to WebSocket connections go in; unset: nobody is told of changes.',
  ),
  OUTBOARD_WEBHOOK_QUEUE_URL: optionalText(
    'URL of the queue of webhooks; unset: no request may ask for one.',
  ),
};

const functionsSchema = z.object({
  ...services,
  OUTBOARD_MAX_BODY_BYTES: wholeNumber(5_500_000, 1, 'Largest request body; Lambda takes 6 MB.'),
  OUTBOARD_MAX_QUEUED_JOBS: wholeNumber(100_000, 1, 'With more jobs waiting, new ones get 429.'),
  OUTBOARD_JOB_DEADLINE_SECONDS: wholeNumber(21_600, 1, 'Time from accepting a job to `expired`.'),
  OUTBOARD_JOB_RETENTION_SECONDS: wholeNumber(604_800, 60, 'How long a row stays after its deadline.'),
  OUTBOARD_JOB_MAX_ATTEMPTS: wholeNumber(5, 1, 'How often a job is started before it fails for good.'),
  OUTBOARD_CHANNEL_URL: optionalText('Where clients listen to jobs (wss://…); unset: there is no channel.'),
  OUTBOARD_CHANNEL_SECONDS: wholeNumber(3_600, 1, 'For how long the token of a channel opens connections.'),
  OUTBOARD_UPLOAD_URL_SECONDS: wholeNumber(900, 1, 'Life of an upload form.'),
  OUTBOARD_WEBHOOK_DEAD_LETTERS_URL: optionalText(
    'URL of the queue of webhooks that were given up; unset: they are only logged.',
  ),
  OUTBOARD_WEBHOOK_LOOPBACK: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe('`true`: a webhook may be http:// and on this machine. For the local stack only.'),
  AWS_ENDPOINT_URL_LAMBDA: endpoint('Lambda'),
  AWS_ENDPOINT_URL_ECS: endpoint('ECS'),
  AWS_ENDPOINT_URL_AUTO_SCALING: endpoint('EC2 Auto Scaling'),
  OUTBOARD_SCALE_FUNCTION: optionalText(
    'Function that a submit calls where no worker is ordered; unset: nothing to wake.',
  ),
  OUTBOARD_FLEET_CLUSTER: optionalText('ECS cluster of the workers.'),
  OUTBOARD_FLEET_SERVICE: optionalText(
    'ECS service of the workers; unset: workers are started by other means.',
  ),
  OUTBOARD_FLEET_GROUP: optionalText('Auto Scaling group below the service; unset on Fargate.'),
  OUTBOARD_MIN_WORKERS: wholeNumber(0, 0, 'Workers that are always there.'),
  OUTBOARD_MAX_WORKERS: wholeNumber(4, 0, 'Never more workers than this.'),
  OUTBOARD_TARGET_SECONDS: wholeNumber(
    120,
    1,
    'As many workers are ordered as work the backlog off in this time.',
  ),
  OUTBOARD_GRACE_SECONDS: wholeNumber(120, 0, 'A worker that is not needed stays this long.'),
  OUTBOARD_MAX_GPU_HOURS_A_DAY: z.coerce
    .number()
    .min(0)
    .default(0)
    .describe('Budget guard: worker hours in a UTC day; 0: no guard.'),
  OUTBOARD_START_SECONDS: wholeNumber(150, 0, 'Time from ordering a worker to its first job, for estimates.'),
});

/** Made when it is asked for, as is the table below: no function should make the other half's at its cold start. */
const workerSettings = () => ({
  ...services,
  OUTBOARD_WORKER_ID: z
    .string()
    .optional()
    .describe('Name of this worker in rows and logs; unset: host and a random part.'),
  OUTBOARD_DEVICE: z
    .enum(['cpu', 'cuda'])
    .default('cpu')
    .describe('`cuda` refuses to start where a model cannot run wholly on the GPU.'),
  OUTBOARD_DEVICE_THREADS: wholeNumber(0, 0, 'Threads that run models; 0: one a core on the CPU, two a GPU.'),
  OUTBOARD_BATCH_SIZE: wholeNumber(
    0,
    0,
    'Most tiles or pictures in one run of a model; 0: one on the CPU, eight on a GPU.',
  ),
  OUTBOARD_DEVICE_FAILURES: wholeNumber(
    3,
    1,
    'After this many failures in a row, not one the fault of its input, the worker ends itself.',
  ),
  OUTBOARD_HUNG_SECONDS: wholeNumber(
    120,
    1,
    'A run of the device that takes longer hangs: the worker ends itself, and its jobs run elsewhere.',
  ),
  OUTBOARD_QUARANTINE_AFTER: wholeNumber(
    QUARANTINE_AFTER,
    1,
    'A job that so many workers did not survive is not started again.',
  ),
  OUTBOARD_TENANT_WEIGHTS: z
    .string()
    .default('')
    .transform((list, context) => {
      const entries = list.split(',').filter((entry) => entry !== '');
      const weights = entries.map((entry) => /^(.+)=(\d+(?:\.\d+)?)$/.exec(entry));
      if (weights.every((found) => Number(found?.[2]) > 0))
        return weights.map((found) => [found?.[1] ?? '', Number(found?.[2])] as const);
      context.addIssue('`tenant=weight` by commas, weights above 0');
      return z.NEVER;
    })
    .describe(
      'Shares of the device while several tenants wait, as `tenant=weight` by commas; 1 for who is not named.',
    ),
  OUTBOARD_CONCURRENT_JOBS: wholeNumber(
    0,
    0,
    'Jobs in hand at once; 0: twice the device threads, times the batch size, and more while jobs are so small that the device would wait for AWS.',
  ),
  OUTBOARD_MODELS_DIRECTORY: textOr(
    '/tmp/outboard/models',
    'Where packages from the models bucket are kept on this machine.',
  ),
  OUTBOARD_MODEL_MEMORY_BYTES: wholeNumber(
    4_000_000_000,
    0,
    'Idle models are let go, least recently used first, while all take more.',
  ),
  OUTBOARD_MODEL_REFRESH_SECONDS: wholeNumber(5, 1, 'How often to look for promoted versions.'),
  OUTBOARD_PREDICTION_CACHE_SECONDS: wholeNumber(86_400, 0, 'How long an answer is used again; 0: never.'),
  OUTBOARD_MEMORY_BYTES: wholeNumber(
    0,
    0,
    'What pictures of all jobs may take together; 0: what models and the rest leave of the container.',
  ),
  OUTBOARD_SCRATCH_BYTES: wholeNumber(
    0,
    0,
    'What jobs may take of the scratch disk together; 0: nine tenths of what is free at the start.',
  ),
  OUTBOARD_SCRATCH_DIRECTORY: textOr('/tmp/outboard', 'Room on disk for pictures that do not fit in memory.'),
  OUTBOARD_MAX_INPUT_PIXELS: wholeNumber(
    100_000_000,
    1,
    'Largest picture taken, checked before it is decoded.',
  ),
  OUTBOARD_MAX_OUTPUT_PIXELS: wholeNumber(1_600_000_000, 1, 'Largest picture made.'),
  OUTBOARD_LEASE_SECONDS: wholeNumber(30, 3, 'A worker silent for this long loses its jobs to another.'),
  OUTBOARD_POLL_SECONDS: wholeNumber(20, 0, 'Longest wait of one receive from the queue.'),
  OUTBOARD_SHUTDOWN_SECONDS: wholeNumber(90, 0, 'After SIGTERM running jobs may finish for this long.'),
  OUTBOARD_HEARTBEAT_SECONDS: wholeNumber(10, 1, 'How often a worker says that it is there.'),
  ECS_AGENT_URI: endpoint('the ECS agent, which protects a busy worker from scale-in'),
  OUTBOARD_METRICS_PORT: wholeNumber(9_464, 0, 'Port of /health and /metrics, on loopback.'),
  OUTBOARD_FETCH_TIMEOUT_SECONDS: wholeNumber(30, 1, 'Longest time for fetching image_url.'),
  OUTBOARD_FETCH_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((list) => list.split(',').filter((origin) => origin !== ''))
    .describe('Origins, by commas, that image_url may name although their address is not public.'),
  OUTBOARD_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least level logged.'),
});

export type FunctionsEnvironment = z.infer<typeof functionsSchema>;
export type WorkerEnvironment = z.infer<z.ZodObject<ReturnType<typeof workerSettings>>>;

function read<Schema extends z.ZodObject>(schema: Schema, variables: NodeJS.ProcessEnv): z.infer<Schema> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The environment is not complete:\n${problems.join('\n')}`);
}

export const readFunctionsEnvironment = (variables: NodeJS.ProcessEnv): FunctionsEnvironment =>
  read(functionsSchema, variables);

export const readWorkerEnvironment = (variables: NodeJS.ProcessEnv): WorkerEnvironment =>
  read(z.object(workerSettings()), variables);

/** One variable as the docs show it. */
interface Setting {
  readonly name: string;
  readonly halves: readonly string[];
  /** Undefined where the variable must be set. */
  readonly fallback: string | undefined;
  readonly meaning: string;
}

/** Every variable Outboard reads; the docs are made from this. */
export function settingsTable(): Setting[] {
  const halves = { functions: functionsSchema.shape, worker: workerSettings() };
  return Object.entries({ ...halves.functions, ...halves.worker }).map(([name, schema]) => {
    const unset = schema.safeParse(undefined);
    return {
      name,
      halves: Object.entries(halves).flatMap(([half, shape]) => (name in shape ? [half] : [])),
      fallback: unset.success ? String(unset.data ?? '') || 'unset' : undefined,
      meaning: schema.description ?? '',
    };
  });
}
