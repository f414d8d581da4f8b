/** What the machine is and what it has been doing, from Linux's own counters. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release } from 'node:os';

export const CORES = availableParallelism();

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  readonly onnxruntime: string;
  readonly sharp: string;
}

export async function describeMachine(): Promise<Machine> {
  const version = async (name: string): Promise<string> => {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
  };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: CORES,
    kernel: release(),
    node: process.versions.node,
    onnxruntime: await version('onnxruntime-node'),
    sharp: await version('sharp'),
  };
}

/** How many threads of a process run or wait for a core at this moment. */
export function runnableThreads(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const isRunnable = (thread: string): boolean => {
    try {
      // "id (name) state …": the name may hold spaces and brackets.
      return /\) R [^)]*$/.test(readFileSync(`${folder}/${thread}/stat`, 'latin1'));
    } catch {
      return false;
    }
  };
  return readdirSync(folder).filter(isRunnable).length;
}

export interface Memory {
  /** Largest resident size so far, MB: includes pages of files that the kernel may drop. */
  readonly peak: number;
  /** Memory that only this process has and that nothing on disk backs, MB, now. */
  readonly anonymous: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { peak: megabytes('VmHWM'), anonymous: megabytes('RssAnon') };
}
