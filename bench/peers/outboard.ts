/**
 * Outboard as the comparison sees it, in two rows. *Whole*: a client of the API, with functions, worker, and the
 * stand-ins for SQS, DynamoDB and S3 on the cores that a peer has. *The worker alone*: those stand-ins and the submit run elsewhere,
 * as Lambda and the services do in life; what a submit does is done by the bench.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newJob } from '../../functions/jobs/submit.ts';
import { seedModels } from '../../local/seed-models.ts';
import { API_KEY, portsFrom, stackEnvironment } from '../../local/settings.ts';
import { connectModels } from '../../shared/aws/connect-objects.ts';
import { inputKey, resultKey } from '../../shared/aws/object-store.ts';
import { isTerminal, newJobId } from '../../shared/job.ts';
import { connectStores, type Stores, temporaryDirectory } from '../cases.ts';
import { Child } from '../child.ts';
import { on, otherCores, serverCores } from './cores.ts';
import { closeConnections, expectOk, send } from './http.ts';
import { Process, untilHealthy } from './processes.ts';
import { PATIENCE_MS, RESTART_MS, type Running, type System, type Task } from './system.ts';

const HOST = '127.0.0.1';
const ROOT = path.resolve(import.meta.dirname, '../..');
const LOOK_EVERY_MS = 40;
const LOOK_AGAIN_MS = 200;
/** Leftovers of an attempt that died are erased right after the row is settled. */
const TIDY_MS = 2_000;
const TRIES = 5;

const requests = {
  classification: { task: 'classification', model: 'image-classifier', parameters: { top_k: 5 } },
  'super-resolution': {
    task: 'super-resolution',
    model: 'super-resolution-tiny',
    parameters: { upscale_factor: 4, output_format: 'jpeg', quality: 90 },
  },
} as const;

/** A way in: hands a job over, and waits for its whole answer. */
interface Door {
  submit(task: Task, picture: Buffer): Promise<string>;
  /** @throws unless it succeeds */
  untilAnswered(id: string): Promise<void>;
  ask(task: Task, picture: Buffer): Promise<void>;
}

interface View {
  readonly id: string;
  readonly status: string;
  readonly output?: { readonly sr_image_url?: string; readonly original_image_url?: string };
}

function apiDoor(url: string): Door {
  const headers = { 'x-api-key': API_KEY, 'content-type': 'application/json' };
  const post = async (task: Task, picture: Buffer, more: Record<string, string>): Promise<View> => {
    const { model, parameters } = requests[task];
    const body = JSON.stringify({ model, ...parameters, image_base64: picture.toString('base64') });
    // As the project's own client does: a repeat under the same key finds the job that may be there already.
    const keyed = { ...headers, ...more, 'idempotency-key': randomUUID() };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(`${url}/v1/jobs`, { body, headers: keyed });
      if (answer.status === 200 || answer.status === 202) return JSON.parse(answer.body.toString()) as View;
      if (answer.status < 500 || attempt === TRIES) throw new Error(`${answer.status} ${answer.body}`);
      await sleep(LOOK_AGAIN_MS * attempt);
    }
  };
  const download = async ({ status, output }: View): Promise<void> => {
    if (status !== 'succeeded') throw new Error(`A job ended as ${status}.`);
    const links = [output?.sr_image_url, output?.original_image_url].filter((link) => link !== undefined);
    await Promise.all(links.map((link) => expectOk(send(link))));
  };
  const untilAnswered = async (id: string): Promise<void> => {
    for (;;) {
      const read = send(`${url}/v1/jobs/${id}?wait=20`, { headers: { 'x-api-key': API_KEY } });
      const view = JSON.parse((await expectOk(read)).toString()) as View;
      if (view.status !== 'queued' && view.status !== 'running') return download(view);
    }
  };
  return {
    submit: async (task, picture) => (await post(task, picture, {})).id,
    untilAnswered,
    async ask(task, picture) {
      const view = await post(task, picture, { prefer: 'wait=20' });
      await (view.status === 'succeeded' ? download(view) : untilAnswered(view.id));
    },
  };
}

function storesDoor({ settings, jobs, queue, uploads, results }: Stores): Door {
  const submit: Door['submit'] = async (task, picture) => {
    const id = newJobId();
    const key = inputKey(id, 'bench');
    await uploads.put(key, picture, { contentType: 'image/jpeg' });
    const input = { kind: 'object', bucket: uploads.bucket, key } as const;
    const draft = { ...requests[task], id, tenant: 'bench', input, requestHash: '' };
    const now = new Date();
    await jobs.create(newJob(draft, settings, now));
    await queue.send(id, draft.tenant);
    await jobs.markEnqueued({ id }, now);
    return id;
  };
  const untilAnswered: Door['untilAnswered'] = async (id) => {
    for (;;) {
      const job = await jobs.get(id);
      if (job !== undefined && isTerminal(job.status)) {
        if (job.status !== 'succeeded')
          throw new Error(`A job ended as ${job.status}: ${job.error?.message}`);
        const files = Object.values(job.output?.files ?? {});
        await Promise.all(files.map(({ key }) => results.get(key, 1e9)));
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  };
  return { submit, untilAnswered, ask: async (task, picture) => untilAnswered(await submit(task, picture)) };
}

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
      const waited = sleep(PATIENCE_MS).then(() => false);
      for (;;) {
        const answered = await Promise.race([
          waited,
          door.untilAnswered(id).then(
            () => true,
            () => sleep(LOOK_AGAIN_MS),
          ),
        ]);
        if (answered === false) return 0;
        if (answered === true) break;
      }
      return answersLeft(stores, id);
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
    where: 'functions, worker, stand-ins for SQS, DynamoDB and S3',
    settings: 'as `npm start` runs it',
    start: () => startOutboard(port, true),
  },
  {
    name: 'Outboard, the worker alone',
    isOutboard: true,
    where: 'worker; submit and services elsewhere',
    settings: 'as a stage runs it, on the CPU',
    start: () => startOutboard(port, false),
  },
];
