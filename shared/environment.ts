/**
 * Settings: defaults → environment → validated once, all problems told together, each naming its variable.
 * `process.env` itself is read only where a half is put together (gpu-worker/main.ts, the bottom of a function).
 */
import { z } from 'zod';

const wholeNumber = (fallback: number, minimum = 0) => z.coerce.number().int().min(minimum).default(fallback);
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

/** Where the AWS services are. Unset endpoints mean AWS itself. */
const services = {
  AWS_REGION: z.string().default('us-east-1'),
  AWS_ENDPOINT_URL_SQS: z.url().optional(),
  AWS_ENDPOINT_URL_DYNAMODB: z.url().optional(),
  AWS_ENDPOINT_URL_S3: z.url().optional(),
  OUTBOARD_QUEUE_URL: z.url(),
  OUTBOARD_JOBS_TABLE: z.string(),
  OUTBOARD_UPLOADS_BUCKET: z.string(),
  OUTBOARD_RESULTS_BUCKET: z.string(),
  OUTBOARD_MODELS_BUCKET: z.string(),
};

const limits = {
  OUTBOARD_MAX_INPUT_BYTES: wholeNumber(32 * 1024 * 1024, 1),
  OUTBOARD_MAX_INPUT_PIXELS: wholeNumber(100_000_000, 1),
  OUTBOARD_MAX_OUTPUT_PIXELS: wholeNumber(400_000_000, 1),
};

const functionsSchema = z.object({
  ...services,
  OUTBOARD_STAGE: z.string().default('local'),
  OUTBOARD_MAX_INPUT_BYTES: limits.OUTBOARD_MAX_INPUT_BYTES,
  OUTBOARD_MAX_BODY_BYTES: wholeNumber(5_500_000, 1),
  OUTBOARD_MAX_QUEUED_JOBS: wholeNumber(100_000, 1),
  OUTBOARD_JOB_DEADLINE_SECONDS: wholeNumber(6 * 3600, 1),
  OUTBOARD_JOB_RETENTION_SECONDS: wholeNumber(7 * 24 * 3600, 60),
  OUTBOARD_JOB_MAX_ATTEMPTS: wholeNumber(5, 1),
  OUTBOARD_RESULT_URL_SECONDS: wholeNumber(3600, 1),
  OUTBOARD_UPLOAD_URL_SECONDS: wholeNumber(900, 1),
});

const workerSchema = z.object({
  ...services,
  ...limits,
  OUTBOARD_WORKER_ID: z.string().optional(),
  OUTBOARD_DEVICE: z.enum(['cpu', 'cuda']).default('cpu'),
  OUTBOARD_DEVICE_THREADS: wholeNumber(0),
  OUTBOARD_CONCURRENT_JOBS: wholeNumber(0),
  OUTBOARD_MODELS_DIRECTORY: z.string().default('models'),
  OUTBOARD_SCRATCH_DIRECTORY: z.string().default('/tmp/outboard'),
  OUTBOARD_LEASE_SECONDS: wholeNumber(30, 3),
  OUTBOARD_POLL_SECONDS: wholeNumber(20),
  OUTBOARD_SHUTDOWN_SECONDS: wholeNumber(90, 1),
  OUTBOARD_METRICS_PORT: wholeNumber(9464),
  OUTBOARD_FETCH_TIMEOUT_SECONDS: wholeNumber(30, 1),
  OUTBOARD_FETCH_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((origin) => origin !== '')),
  OUTBOARD_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  OUTBOARD_PRETTY_LOGS: flag,
});

export type FunctionsEnvironment = z.infer<typeof functionsSchema>;
export type WorkerEnvironment = z.infer<typeof workerSchema>;

function read<Schema extends z.ZodObject>(schema: Schema, variables: NodeJS.ProcessEnv): z.infer<Schema> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The environment is not complete:\n${problems.join('\n')}`);
}

export const readFunctionsEnvironment = (variables: NodeJS.ProcessEnv): FunctionsEnvironment =>
  read(functionsSchema, variables);

export const readWorkerEnvironment = (variables: NodeJS.ProcessEnv): WorkerEnvironment =>
  read(workerSchema, variables);

/** Every variable Outboard reads, for the test that compares them with the docs. */
export const environmentVariables: readonly string[] = [
  ...new Set([...Object.keys(functionsSchema.shape), ...Object.keys(workerSchema.shape)]),
].sort();
