/** The stores of the functions on loopback: DynamoDB, SQS and S3, with a catalog in it, and requests as routes get them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Request } from '../../functions/http/edge.ts';
import { predictWork } from '../../functions/jobs/predict.ts';
import { queueView } from '../../functions/jobs/queue-view.ts';
import { startS3Server } from '../../local/s3/server.ts';
import { credentials } from '../../local/settings.ts';
import { connectDeliveries, connectFleet, connectHolders, connectQueue } from '../../shared/aws/connect.ts';
import { connectCatalog } from '../../shared/aws/connect-catalog.ts';
import { connectObjects } from '../../shared/aws/connect-objects.ts';
import type { ObjectStore } from '../../shared/aws/object-store.ts';
import { readFunctionsEnvironment } from '../../shared/environment.ts';
import { isTerminal } from '../../shared/job.ts';
import { limits, openServices, silent } from '../job/services.ts';
import { catalog as models } from '../shared/catalog.ts';

/** The smallest file that is recognised as a PNG; nothing here decodes it. */
export const PNG = Buffer.from('\x89PNG\r\n\x1a\n a picture', 'latin1');

async function open() {
  const directory = await mkdtemp(path.join(tmpdir(), 'outboard-functions-'));
  const [services, s3] = await Promise.all([
    openServices(),
    startS3Server({
      directory,
      credentials,
      buckets: ['uploads', 'results', 'models'].map((name) => ({ name })),
    }),
  ]);
  const settings = readFunctionsEnvironment({
    ...Object.fromEntries(Object.entries(services.settings).filter(([, value]) => value !== '')),
    ...Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, String(value)])),
    AWS_ENDPOINT_URL_S3: s3.url,
    OUTBOARD_QUEUE_URL: 'http://127.0.0.1:9/000000000000/nowhere',
    OUTBOARD_UPLOADS_BUCKET: 'uploads',
    OUTBOARD_RESULTS_BUCKET: 'results',
    OUTBOARD_MODELS_BUCKET: 'models',
  });
  const catalog = connectCatalog(settings);
  const fleet = connectFleet(settings);
  await catalog.update(() => models);
  return {
    ...services,
    settings,
    catalog,
    fleet,
    deliveries: connectDeliveries(settings),
    holders: connectHolders(settings),
    predict: predictWork(fleet),
    queued: queueView({ index: services.index, fleet, startSeconds: 150 }),
    grant: async () => undefined,
    wake: async () => {},
    uploads: connectObjects(settings, 'uploads'),
    results: connectObjects(settings, 'results'),
    async close() {
      await Promise.all([services.close(), s3.close()]);
      await rm(directory, { recursive: true });
    },
  };
}

/** The stores of a test file, and for each test a tenant and a queue of its own. */
export function useFunctions() {
  let services: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    services = await open();
  });
  afterAll(() => services.close());

  return async function setup() {
    const { newQueue, settings, ...stores } = services;
    const queue = await newQueue();
    const tenant = `tenant-${randomUUID()}`;
    const request = (changes: Partial<Request> = {}): Request => ({
      tenant,
      baseUrl: 'https://api.example/prod',
      path: {},
      query: {},
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(0),
      ...changes,
    });
    return {
      ...stores,
      ...queue,
      settings,
      tenant,
      request,
      log: silent,
      /** A queue that nobody listens for. */
      deadQueue: connectQueue({ ...settings, AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9' }),
      refuseOverload: async () => {},
      post: (body: unknown, headers: Request['headers'] = {}) =>
        request({
          headers: { 'content-type': 'application/json', ...headers },
          body: Buffer.from(JSON.stringify(body)),
        }),
      /** Takes every message that waits out of the queue. */
      async takeAll(): Promise<string[]> {
        const ids: string[] = [];
        for (;;) {
          const messages = await queue.queue.receive(10, 0, 60);
          if (messages.length === 0) return ids;
          for (const { jobId, receipt } of messages) {
            ids.push(jobId);
            await queue.queue.delete(receipt);
          }
        }
      },
      /** The tenant's jobs, newest first. */
      tenantJobs: async () => (await stores.index.list(tenant, { limit: 100 })).jobs,
      isOpen: async (id: string) => {
        const job = await stores.jobs.get(id);
        return job !== undefined && !isTerminal(job.status);
      },
    };
  };
}

export const exists = async (store: ObjectStore, key: string): Promise<boolean> =>
  (await store.head(key)) !== undefined;
