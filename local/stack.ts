/**
 * The whole system on one machine, from the code that runs on AWS: SQS (fauxqs), DynamoDB (dynalite), S3 (local/s3),
 * API Gateway and Lambda (serverless-offline with the built bundles) and the worker. Used by `npm start` and by tests.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { buildFunctions } from '../scripts/build-functions.ts';
import { connectJobs, connectQueue } from '../shared/aws/connect.ts';
import { connectModels } from '../shared/aws/connect-catalog.ts';
import { startApi } from './api.ts';
import { EventPump } from './event-pump.ts';
import { CLUSTER, LocalFleet, SERVICE } from './fleet.ts';
import { loadPage } from './page.ts';
import { startQueue } from './queue.ts';
import { startS3Server } from './s3/server.ts';
import { seedModels } from './seed-models.ts';
import {
  API_KEY,
  credentials,
  HOST,
  names,
  portsFrom,
  type StackOptions,
  stackEnvironment,
} from './settings.ts';
import { startTable } from './table.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

/** Times are compared as text: a year of five digits is written with a sign and would come before all others. */
const END_OF_TIME = new Date('9999-12-31T23:59:59.999Z');

export interface Stack {
  readonly url: string;
  readonly s3Url: string;
  readonly metricsUrl: string;
  readonly environment: Record<string, string>;
  /** Undefined where a fleet is asked for: workers come and go. */
  readonly worker: WorkerProcess | undefined;
  readonly fleet: LocalFleet | undefined;
  close(): Promise<void>;
}

interface Options extends StackOptions {
  readonly print: (line: string) => void;
  /** Added to what functions and worker get. */
  readonly environment?: Record<string, string>;
  /** Workers are ordered by the scaling function, as in a stage, instead of one that is always there. */
  readonly fleet?: boolean;
}

export async function startStack({
  port,
  directory,
  print,
  environment: extra = {},
  fleet: wantsFleet = false,
}: Options): Promise<Stack> {
  const ports = portsFrom(port);
  const environment = {
    ...stackEnvironment({ port, directory }),
    ...(wantsFleet ? fleetEnvironment(ports) : {}),
    ...extra,
  };
  await mkdir(path.join(directory, 'table'), { recursive: true });
  const closers: (() => Promise<void>)[] = [];
  /** Known from its first moment: where another part fails to start, this one is waited for and closed too. */
  const started = <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    closers.unshift(async () => (await starting.catch(() => undefined))?.close());
    return starting;
  };
  const close = async () => {
    // One part that fails to end must not leave the others running.
    for (const end of closers.splice(0)) await end().catch((error: unknown) => print(`stack   ${error}`));
  };
  try {
    const sqs = await started(startQueue(ports.sqs));
    const pump = new EventPump({ lambdaPort: ports.lambda, sqsUrl: sqs.url, print });
    const [s3, page] = await Promise.all([
      started(startS3Server(s3Options(ports.s3, path.join(directory, 's3'), pump))),
      loadPage({
        origins: { storage: `http://${HOST}:${ports.s3}`, channel: `ws://${HOST}:${ports.websocket}` },
        apiKey: API_KEY,
      }),
      started(startTable(ports.dynamodb, path.join(directory, 'table'))),
      buildFunctions(),
    ]);
    const settings = settingsFrom(environment);
    await seedModels(connectModels(settings));
    await wakeOpenJobs(settings);
    const workerOptions = { environment, metricsPort: ports.metrics, print };
    const [worker, fleet, api] = await Promise.all([
      wantsFleet ? undefined : started(startWorker(workerOptions)),
      wantsFleet ? started(new LocalFleet({ ...workerOptions, port: ports.fleet }).listen()) : undefined,
      started(startApi({ port, environment, print, page })),
    ]);
    pump.start();
    closers.unshift(() => pump.close());
    return {
      url: api.url,
      s3Url: s3.url,
      metricsUrl: `http://127.0.0.1:${ports.metrics}`,
      environment,
      worker,
      fleet,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What tells the functions that there is a fleet to wake and to order. */
const fleetEnvironment = (ports: ReturnType<typeof portsFrom>): Record<string, string> => ({
  AWS_ENDPOINT_URL_LAMBDA: `http://${HOST}:${ports.lambda}`,
  AWS_ENDPOINT_URL_ECS: `http://${HOST}:${ports.fleet}`,
  OUTBOARD_SCALE_FUNCTION: 'outboard-local-scale',
  OUTBOARD_FLEET_CLUSTER: CLUSTER,
  OUTBOARD_FLEET_SERVICE: SERVICE,
});

const s3Options = (port: number, directory: string, pump: EventPump) => ({
  port,
  directory,
  credentials,
  buckets: [names.uploads, names.results, names.models].map((name) => ({ name, cors: { origins: ['*'] } })),
  onObjectCreated: (created: Parameters<EventPump['uploaded']>[0]) => void pump.uploaded(created),
});

/** The queue kept nothing from the last run, but the rows did: every open job gets a new wake-up. */
async function wakeOpenJobs(settings: ReturnType<typeof settingsFrom>): Promise<void> {
  const { jobs, index } = connectJobs(settings);
  const queue = connectQueue(settings);
  for await (const id of index.due(END_OF_TIME)) {
    const job = await jobs.get(id);
    if (job !== undefined) await queue.send(job.id, job.tenant);
  }
}

/** The SDK reads keys from the environment of the process; functions and worker get theirs the same way. */
function settingsFrom(environment: Record<string, string>) {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  return {
    AWS_REGION: environment.AWS_REGION ?? '',
    AWS_ENDPOINT_URL_SQS: environment.AWS_ENDPOINT_URL_SQS,
    AWS_ENDPOINT_URL_DYNAMODB: environment.AWS_ENDPOINT_URL_DYNAMODB,
    AWS_ENDPOINT_URL_S3: environment.AWS_ENDPOINT_URL_S3,
    OUTBOARD_QUEUE_URL: environment.OUTBOARD_QUEUE_URL ?? '',
    OUTBOARD_JOBS_TABLE: environment.OUTBOARD_JOBS_TABLE ?? '',
    OUTBOARD_MODELS_BUCKET: environment.OUTBOARD_MODELS_BUCKET ?? '',
  };
}
