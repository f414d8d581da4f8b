/**
 * Clients and stores from settings. Called only where a half is put together (gpu-worker/main.ts, the bottom of a
 * function file, local/); each function imports just the connectors it needs, so its bundle holds no other client.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Job } from '../job.ts';
import { ChannelStore } from './channel-store.ts';
import { DeliveryStore } from './delivery-store.ts';
import { FleetStore } from './fleet-store.ts';
import { JobIndex } from './job-index.ts';
import { JobQueue } from './job-queue.ts';
import { JobStore } from './job-store.ts';
import { PredictionCache } from './prediction-cache.ts';
import { ScaleInvoker } from './scale-invoker.ts';
import { SecretStore } from './secret-store.ts';
import { UploadHolders } from './upload-holders.ts';

/** The services both halves use; an endpoint that is not set means AWS itself. */
export interface ServiceSettings {
  readonly AWS_REGION: string;
  readonly AWS_ENDPOINT_URL_SQS?: string | undefined;
  readonly AWS_ENDPOINT_URL_DYNAMODB?: string | undefined;
  readonly AWS_ENDPOINT_URL_S3?: string | undefined;
  readonly OUTBOARD_QUEUE_URL: string;
  readonly OUTBOARD_JOBS_TABLE: string;
  readonly OUTBOARD_MODELS_BUCKET: string;
}

const endpoint = (url: string | undefined) => (url === undefined ? {} : { endpoint: url });

function connectTable(settings: ServiceSettings): DynamoDBDocumentClient {
  const dynamo = new DynamoDBClient({
    region: settings.AWS_REGION,
    ...endpoint(settings.AWS_ENDPOINT_URL_DYNAMODB),
  });
  return DynamoDBDocumentClient.from(dynamo, { marshallOptions: { removeUndefinedValues: true } });
}

/** @param onChange told of every change of a job that is made through this store */
export function connectJobs(
  settings: ServiceSettings,
  onChange?: (job: Job) => Promise<void>,
): { jobs: JobStore; index: JobIndex } {
  const client = connectTable(settings);
  const table = settings.OUTBOARD_JOBS_TABLE;
  return { jobs: new JobStore(client, table, onChange), index: new JobIndex(client, table) };
}

export function connectChannels(settings: ServiceSettings): ChannelStore {
  return new ChannelStore(connectTable(settings), settings.OUTBOARD_JOBS_TABLE);
}

export function connectDeliveries(settings: ServiceSettings): DeliveryStore {
  return new DeliveryStore(connectTable(settings), settings.OUTBOARD_JOBS_TABLE);
}

/** @param freshMs for how long a secret that was read is used again; some minutes by default */
export function connectSecrets(settings: ServiceSettings, freshMs?: number): SecretStore {
  return new SecretStore(connectTable(settings), settings.OUTBOARD_JOBS_TABLE, undefined, freshMs);
}

export function connectFleet(settings: ServiceSettings): FleetStore {
  return new FleetStore(connectTable(settings), settings.OUTBOARD_JOBS_TABLE);
}

/** @returns undefined where the stage has no fleet to wake */
export function connectScaler(settings: {
  readonly AWS_REGION: string;
  readonly AWS_ENDPOINT_URL_LAMBDA?: string | undefined;
  readonly OUTBOARD_SCALE_FUNCTION?: string | undefined;
}): ScaleInvoker | undefined {
  if (settings.OUTBOARD_SCALE_FUNCTION === undefined) return undefined;
  const client = { region: settings.AWS_REGION, ...endpoint(settings.AWS_ENDPOINT_URL_LAMBDA) };
  return new ScaleInvoker(client, settings.OUTBOARD_SCALE_FUNCTION);
}

export function connectHolders(settings: ServiceSettings): UploadHolders {
  return new UploadHolders(connectTable(settings), settings.OUTBOARD_JOBS_TABLE);
}

export function connectPredictions(settings: ServiceSettings, seconds: number): PredictionCache {
  return new PredictionCache(connectTable(settings), settings.OUTBOARD_JOBS_TABLE, seconds);
}

export function connectQueue(settings: ServiceSettings): JobQueue {
  const client = new SQSClient({
    region: settings.AWS_REGION,
    ...endpoint(settings.AWS_ENDPOINT_URL_SQS),
    // A local queue's URL names a host that does not resolve; the endpoint is the address.
    useQueueUrlAsEndpoint: settings.AWS_ENDPOINT_URL_SQS === undefined,
  });
  return new JobQueue(client, settings.OUTBOARD_QUEUE_URL);
}
