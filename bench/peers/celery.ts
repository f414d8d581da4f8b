/** Celery: a web process that takes jobs, Redis that holds them, a worker that is killed and started apart from both. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_CORES, serverCores } from './cores.ts';
import { closeConnections, expectOk, send } from './http.ts';
import { Process, untilHealthy } from './processes.ts';
import { folderOf, pythonFor } from './requirements.ts';
import { environmentOf, gunicorn, HOST, redis } from './servers.ts';
import { PATIENCE_MS, RESTART_MS, type Running } from './system.ts';

const AGAIN_MS = 200;
/** kombu looks for tasks whose time is up 10 s after its start, then every 100 s; 30 s is the time, and there is the restart. */
const LATE_PATIENCE_MS = 150_000;

interface CeleryOptions {
  readonly port: number;
  readonly acks: 'early' | 'late';
  /** Where the web process and Redis run. */
  readonly webCores: string;
}

export async function celery({ port, acks, webCores }: CeleryOptions): Promise<Running> {
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
      const end = performance.now() + (acks === 'late' ? LATE_PATIENCE_MS : PATIENCE_MS);
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
