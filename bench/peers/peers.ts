/**
 * What people build today, each as its documentation tells to, with as many processes as cores and one thread a session.
 * README.md beside this says why each is set as it is.
 */
import path from 'node:path';
import { celery } from './celery.ts';
import { otherCores, SERVER_CORES, serverCores } from './cores.ts';
import { Process } from './processes.ts';
import { folderOf, nodePeer, pythonFor } from './requirements.ts';
import { environmentOf, gunicorn, HOST, redis } from './servers.ts';
import { synchronous } from './synchronous.ts';
import type { System } from './system.ts';

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
      asked: 'both',
      where: 'web process, Redis and worker',
      settings: `${celerySettings}; acknowledged when taken, the default`,
      start: () => celery({ port, acks: 'early', webCores: serverCores }),
    },
    {
      name: 'Celery + Redis, the worker alone',
      isOutboard: false,
      asked: 'speed',
      where: 'worker; web process and Redis elsewhere',
      settings: `${celerySettings}; acknowledged when taken, the default`,
      start: () => celery({ port, acks: 'early', webCores: otherCores }),
    },
    {
      name: 'Celery + Redis, acks_late',
      isOutboard: false,
      asked: 'loss',
      where: 'web process, Redis and worker',
      settings: `${celerySettings}; acks_late, reject_on_worker_lost, visibility_timeout 30 s`,
      start: () => celery({ port, acks: 'late', webCores: serverCores }),
    },
    {
      name: 'Flask + gunicorn',
      isOutboard: false,
      asked: 'both',
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
      asked: 'both',
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
      asked: 'both',
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
      asked: 'both',
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
