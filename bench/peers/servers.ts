/** What the peers' processes have in common: their environment, Redis, gunicorn. */
import path from 'node:path';
import { SERVER_CORES } from './cores.ts';
import { Process } from './processes.ts';

export const HOST = '127.0.0.1';
const MODELS = path.resolve(import.meta.dirname, '../../models');

/** @param port the web process; Redis takes the one after */
export const environmentOf = (port: number, more: Record<string, string> = {}): Record<string, string> => ({
  PEER_MODELS: MODELS,
  PEER_REDIS: `redis://${HOST}:${port + 1}/0`,
  PYTHONPATH: import.meta.dirname,
  PYTHONDONTWRITEBYTECODE: '1',
  OMP_NUM_THREADS: '1',
  // Both keep a heap from growing with the number of threads, as ours is run.
  MALLOC_ARENA_MAX: '2',
  ...more,
});

export const redis = (port: number, cores: string): Process =>
  new Process({
    cores,
    folder: MODELS,
    line: ['redis-server', '--port', String(port + 1), '--bind', HOST, '--save', '', '--appendonly', 'no'],
  });

export const gunicorn = (programs: string, port: number, threads: number): string[] => [
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
