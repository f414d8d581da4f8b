/** What a process and all its descendants cost, from Linux's own counters. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of /proc/PID/stat; Linux gives programs hundredths of a second, whatever the kernel counts in. */
const TICK_MS = 10;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of children which it outlived, ms. */
  readonly cpuMs: number;
}

function readProcess(pid: number): Process | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // "id (name) state parent …": the name may hold spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), cpuMs: ticks * TICK_MS };
  } catch {
    return undefined;
  }
}

/** The processes with these ids and all below them, as they are now. */
export function treeOf(roots: readonly number[]): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  const found = all.filter(({ pid }) => roots.includes(pid));
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid));
  return [...new Map(found.map((process) => [process.pid, process])).values()];
}

export const cpuOf = (roots: readonly number[]): number =>
  treeOf(roots).reduce((sum, { cpuMs }) => sum + cpuMs, 0);

/** Proportional set size in MB: pages that several processes share are counted once, in parts. */
export function memoryOfTree(roots: readonly number[]): number {
  const kilobytes = treeOf(roots).map(({ pid }) => {
    try {
      return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return kilobytes.reduce((sum, size) => sum + size, 0) / 1024;
}

/** Ends processes and all below them at once, as the kernel does where a container's memory is used up. */
export function killTree(roots: readonly number[]): void {
  for (const { pid } of treeOf(roots)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Asks the roots to end, and after a while does not ask. */
export async function endTree(roots: readonly number[], patienceMs = 5_000): Promise<void> {
  const pids = treeOf(roots).map(({ pid }) => pid);
  const alive = () => pids.filter((pid) => readProcess(pid) !== undefined && !isZombie(pid));
  for (const pid of roots) if (alive().includes(pid)) process.kill(pid, 'SIGTERM');
  const end = performance.now() + patienceMs;
  while (alive().length > 0 && performance.now() < end) await sleep(50);
  killTree(alive());
}

const isZombie = (pid: number): boolean => {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};
