/**
 * Outboard as the comparison sees it, in two rows. *Whole*: a client of the API, with functions, worker, and the
 * stand-ins for SQS, DynamoDB and S3 on the cores that a peer has. *The worker alone*: those stand-ins and the submit run elsewhere,
 * as Lambda and the services do in life; what a submit does is done by the bench.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seedModels } from '../../local/seed-models.ts';
import { portsFrom, stackEnvironment } from '../../local/settings.ts';
import { connectModels } from '../../shared/aws/connect-catalog.ts';
import { resultKey } from '../../shared/aws/object-store.ts';
import { connectStores, type Stores, temporaryDirectory } from '../cases.ts';
import { Child } from '../child.ts';
import { on, otherCores, serverCores } from './cores.ts';
import { apiDoor, storesDoor } from './doors.ts';
import { closeConnections } from './http.ts';
import { Process, untilHealthy } from './processes.ts';
import { PATIENCE_MS, RESTART_MS, type Running, type System } from './system.ts';

const HOST = '127.0.0.1';
const ROOT = path.resolve(import.meta.dirname, '../..');
const LOOK_AGAIN_MS = 500;
/** Leftovers of an attempt that died are erased right after the row is settled. */
const TIDY_MS = 2_000;

/** How many whole sets of pictures are kept for a job: the one that its row names, and any that should not be there. */
async function answersLeft({ jobs, results }: Stores, id: string): Promise<number> {
  const end = performance.now() + TIDY_MS;
  for (;;) {
    const fence = (await jobs.get(id))?.fence ?? 0;
    const files = Array.from({ length: fence }, (_, index) => resultKey(id, index + 1, 'original_image.jpg'));
    const found = await Promise.all(files.map((file) => results.head(file)));
    const count = found.filter((file) => file !== undefined).length;
    if (count === 1 || performance.now() > end) return count;
    await sleep(LOOK_AGAIN_MS);
  }
}

async function startOutboard(port: number, isWhole: boolean): Promise<Running> {
  const directory = await temporaryDirectory();
  const environment = stackEnvironment({ port, directory });
  Object.assign(process.env, environment);
  const stores = connectStores(environment);
  const servicesCores = isWhole ? serverCores : otherCores;
  const services = new Child(
    [path.join(ROOT, 'bench/services.ts'), String(port), directory],
    {},
    on(servicesCores),
  );
  await services.ask('stored');
  await seedModels(connectModels(stores.settings));

  const inRoot = { cores: serverCores, folder: ROOT, environment };
  const worker = new Process({ ...inRoot, line: [process.execPath, 'gpu-worker/main.ts'] });
  const api = isWhole
    ? new Process({ ...inRoot, line: [process.execPath, 'bench/peers/api.ts', String(port), directory] })
    : undefined;
  await untilHealthy(`http://${HOST}:${portsFrom(port).metrics}/health`, [worker]);
  const url = `http://${HOST}:${port}`;
  if (api !== undefined) await untilHealthy(`${url}/v1/openapi.json`, [api]);
  const door = isWhole ? apiDoor(url) : storesDoor(stores);

  return {
    processes: api === undefined ? [worker.pid] : [worker.pid, api.pid, services.pid],
    ask: door.ask,
    async follow(task, picture) {
      const id = await door.submit(task, picture);
      const end = performance.now() + PATIENCE_MS;
      while (performance.now() < end) {
        if (await door.isAnswered(id)) return answersLeft(stores, id);
        await sleep(LOOK_AGAIN_MS);
      }
      return 0;
    },
    async killWorker() {
      worker.kill();
      await sleep(RESTART_MS);
      worker.startAgain();
    },
    async close() {
      closeConnections();
      await Promise.all([worker.close(), api?.close()]);
      await services.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const outboard = (port: number): System[] => [
  {
    name: 'Outboard, the whole local stack',
    isOutboard: true,
    asked: 'both',
    where: 'functions, worker, stand-ins for SQS, DynamoDB and S3',
    settings: 'as `npm start` runs it',
    start: () => startOutboard(port, true),
  },
  {
    name: 'Outboard, the worker alone',
    isOutboard: true,
    asked: 'both',
    where: 'worker; submit and services elsewhere',
    settings: 'as a stage runs it, on the CPU',
    start: () => startOutboard(port, false),
  },
];
