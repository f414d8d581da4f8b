/** CPU time of this process, which is how the bench counts what a part of a job costs. */
import { CORES } from './machine.ts';

/** Milliseconds of all threads. */
export function spentMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** CPU milliseconds of one `work`, done on all cores at once: a core whose neighbour is busy is slower than one alone. */
export async function cost(work: () => Promise<unknown>, seconds: number): Promise<number> {
  await work();
  const start = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const loop = async () => {
    do {
      await work();
      count += 1;
    } while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: CORES }, loop));
  return spentMs(start) / count;
}
