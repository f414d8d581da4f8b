/**
 * What people build today, each as its documentation tells to, with as many processes as cores and one thread a session:
 * the setting under which all of them were fastest. README.md beside this says what was tried.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { otherCores, SERVER_CORES, serverCores } from './cores.ts';
import { closeConnections, expectOk, send } from './http.ts';
import { Process, untilHealthy } from './processes.ts';
import { folderOf, nodePeer, pythonFor } from './requirements.ts';
import { PATIENCE_MS, RESTART_MS, type Running, type System } from './system.ts';

const HOST = '127.0.0.1';
const AGAIN_MS = 200;
const MODELS = path.resolve(import.meta.dirname, '../../models');

/** @param port the web process; Redis takes the one after */
const environmentOf = (port: number, more: Record<string, string> = {}): Record<string, string> => ({
  PEER_MODELS: MODELS,
  PEER_REDIS: `redis://${HOST}:${port + 1}/0`,
  PYTHONPATH: import.meta.dirname,
  PYTHONDONTWRITEBYTECODE: '1',
  OMP_NUM_THREADS: '1',
  // Both keep a heap from growing with the number of threads, as ours is run.
  MALLOC_ARENA_MAX: '2',
  ...more,
});

const redis = (port: number, cores: string): Process =>
  new Process({
    cores,
    folder: MODELS,
    line: ['redis-server', '--port', String(port + 1), '--bind', HOST, '--save', '', '--appendonly', 'no'],
  });

const gunicorn = (programs: string, port: number, threads: number): string[] => [
  path.join(programs, 'gunicorn'),
  ...['--bind', `${HOST}:${port}`, '--workers', String(SERVER_CORES), '--worker-class', 'gthread'],
  ...[
    '--threads',
    String(threads),
    '--timeout',
    '120',
    '--keep-alive',
    '75',
    '--log-level',
    'error',
    'app:app',
  ],
];

/** The request is the job: nothing but the open connection remembers it. */
interface Synchronous {
  readonly url: string;
  readonly encode?: (picture: Buffer) => { body: Buffer | string; headers?: Record<string, string> };
  readonly server: Process;
  readonly others?: readonly Process[];
}

async function synchronous({ url, encode, server, others = [] }: Synchronous): Promise<Running> {
  const body = encode ?? ((picture: Buffer) => ({ body: picture }));
  const all = [server, ...others];
  await untilHealthy(`${url}/health`, all);
  const ask: Running['ask'] = async (task, picture) => {
    await expectOk(send(`${url}/${task}`, body(picture)));
  };
  return {
    processes: all.map(({ pid }) => pid),
    ask,
    follow: (task, picture) =>
      ask(task, picture).then(
        () => 1,
        () => 0,
      ),
    async killWorker() {
      server.kill();
      await sleep(RESTART_MS);
      server.startAgain();
    },
    async close() {
      closeConnections();
      await Promise.all(all.map((process) => process.close()));
    },
  };
}

interface CeleryOptions {
  readonly port: number;
  readonly acks: 'early' | 'late';
  /** Where the web process and Redis run. */
  readonly webCores: string;
}

async function celery({ port, acks, webCores }: CeleryOptions): Promise<Running> {
  const programs = await pythonFor('celery-redis');
  const folder = folderOf('celery-redis');
  const environment = environmentOf(port, { PEER_ACKS: acks });
  const store = redis(port, webCores);
  const web = new Process({
    cores: webCores,
    folder,
    // A request that waits holds a thread.
    line: gunicorn(programs, port, 32),
    environment,
  });
  const flags = [
    '--loglevel',
    'warning',
    '--concurrency',
    String(SERVER_CORES),
    '--without-gossip',
    '--without-mingle',
  ];
  const worker = new Process({
    cores: serverCores,
    folder,
    line: [path.join(programs, 'celery'), '-A', 'tasks', 'worker', ...flags],
    environment: { ...environment, C_FORCE_ROOT: '1' },
  });
  const url = `http://${HOST}:${port}`;
  await untilHealthy(`${url}/health`, [store, web, worker]);
  const charged = webCores === serverCores ? [web, worker, store] : [worker];
  return {
    processes: charged.map(({ pid }) => pid),
    async ask(task, picture) {
      await expectOk(send(`${url}/${task}?wait=${PATIENCE_MS / 1000}`, { body: picture }));
    },
    async follow(task, picture) {
      const accepted = await send(`${url}/${task}`, { body: picture });
      if (accepted.status !== 202) return 0;
      const { id } = JSON.parse(accepted.body.toString()) as { id: string };
      const end = performance.now() + PATIENCE_MS;
      while (performance.now() < end) {
        const answer = await send(`${url}/jobs/${id}`).catch(() => undefined);
        if (answer?.status === 200) return Number((await send(`${url}/jobs/${id}/finished`)).body);
        await sleep(AGAIN_MS);
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
      await Promise.all([web, worker].map((process) => process.close()));
      await store.close();
    },
  };
}

/** @param port the first of two for each system; only one runs at a time, so all use the same */
export function peers(port: number): System[] {
  const url = `http://${HOST}:${port}`;
  const cores = serverCores;
  const json = (picture: Buffer) => ({
    body: JSON.stringify({ image_base64: picture.toString('base64') }),
    headers: { 'content-type': 'application/json' },
  });
  const each = SERVER_CORES === 1 ? '1 process' : `${SERVER_CORES} processes`;
  const celerySettings = `${each}, prefork`;
  return [
    {
      name: 'Celery + Redis',
      isOutboard: false,
      where: 'web process, Redis and worker',
      settings: `${celerySettings}; acknowledged when taken, the default`,
      start: () => celery({ port, acks: 'early', webCores: serverCores }),
    },
    {
      name: 'Celery + Redis, the worker alone',
      isOutboard: false,
      where: 'worker; web process and Redis elsewhere',
      settings: `${celerySettings}; acknowledged when taken, the default`,
      start: () => celery({ port, acks: 'early', webCores: otherCores }),
    },
    {
      name: 'Celery + Redis, acks_late',
      isOutboard: false,
      where: 'web process, Redis and worker',
      settings: `${celerySettings}; acks_late, reject_on_worker_lost, visibility_timeout 30 s`,
      lossOnly: true,
      start: () => celery({ port, acks: 'late', webCores: serverCores }),
    },
    {
      name: 'Flask + gunicorn',
      isOutboard: false,
      where: 'all',
      settings: `${each}, gthread with 2 threads`,
      async start() {
        const line = gunicorn(await pythonFor('flask-gunicorn'), port, 2);
        const folder = folderOf('flask-gunicorn');
        return synchronous({
          url,
          server: new Process({ cores, folder, line, environment: environmentOf(port) }),
        });
      },
    },
    {
      name: 'Tornado + Redis cache',
      isOutboard: false,
      where: 'all, with Redis',
      settings: `1 process, a pool of ${SERVER_CORES === 1 ? '1 thread' : `${SERVER_CORES} threads`}`,
      async start() {
        const python = path.join(await pythonFor('tornado-redis'), 'python');
        const line = [python, 'app.py', String(port), String(SERVER_CORES)];
        const folder = folderOf('tornado-redis');
        const server = new Process({ cores, folder, line, environment: environmentOf(port) });
        return synchronous({ url, server, others: [redis(port, cores)] });
      },
    },
    {
      name: 'LitServe',
      isOutboard: false,
      where: 'all',
      settings: `${each} a model, max_batch_size 8, batch_timeout 5 ms`,
      async start() {
        const python = path.join(await pythonFor('litserve'), 'python');
        const line = [python, 'app.py', String(port), String(SERVER_CORES)];
        const folder = folderOf('litserve');
        const server = new Process({ cores, folder, line, environment: environmentOf(port) });
        return synchronous({ url, encode: json, server });
      },
    },
    {
      name: 'transformers.js',
      isOutboard: false,
      where: 'all',
      settings: `${each} (node:cluster), AutoModel and RawImage`,
      async start() {
        const folder = await nodePeer('transformers-js');
        const line = [process.execPath, 'server.js', String(port), String(SERVER_CORES)];
        const environment = { ...environmentOf(port), PEER_MODELS: path.join(folder, 'models') };
        return synchronous({ url, server: new Process({ cores, folder, line, environment }) });
      },
    },
  ];
}
