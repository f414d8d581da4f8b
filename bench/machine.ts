/** What the machine is and what it has been doing, from Linux's own counters. */
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release } from 'node:os';

export const CORES = availableParallelism();
/** Of the kernel's counters in /proc. */
const MS_PER_TICK = 10;

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

/**
 * CPU milliseconds that all cores together spent on anything so far. Idle time is left out, and so is the time of
 * processes of low priority (`nice`): they only run where nothing else wants to.
 */
export async function busyMs(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, , system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + system + irq + softirq + steal) * MS_PER_TICK;
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
