/**
 * Who runs where: what is compared has its own cores; the clients, and in the rows that say so the services which are somebody
 * else's machines in life, have the others.
 */
import { execFileSync } from 'node:child_process';
import { CORES } from '../machine.ts';

const half = Math.max(1, Math.floor(CORES / 2));
/** How many cores each system has. */
export const SERVER_CORES = CORES === 1 ? 1 : CORES - half;
const last = CORES - 1;

/** As `taskset` takes them. On a machine of one core all share it. */
export const serverCores = `0-${SERVER_CORES - 1}`;
export const otherCores = CORES === 1 ? '0' : `${SERVER_CORES}-${last}`;
const allCores = `0-${last}`;

/** What stands before a command that is bound to cores. */
export const on = (cores: string): readonly string[] => ['taskset', '--cpu-list', cores];

function bind(pid: number, cores: string): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'ignore' });
}

/** Binds running processes to the others' cores for the time of some work. */
export async function besides<T>(pids: readonly number[], work: () => Promise<T>): Promise<T> {
  for (const pid of pids) bind(pid, otherCores);
  try {
    return await work();
  } finally {
    for (const pid of pids) bind(pid, allCores);
  }
}
