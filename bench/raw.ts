/** The ceiling that everything is held against: onnxruntime with all device threads, no picture and no call beside it. */
import { Worker } from 'node:worker_threads';
import { spentMs } from './cost.ts';
import { CORES } from './machine.ts';
import type { RawRun } from './raw-thread.ts';

export interface RawFigures {
  /** CPU milliseconds of one picture's run. */
  readonly cpuMs: number;
  /** Pictures a second: on the CPU what the cores would do if nothing else were on them, as the worker's jobs are counted. */
  readonly perSecond: number;
  /** Pictures a second while they were counted; the same on a quiet machine. */
  readonly perSecondByClock: number;
}

interface RawQuestion extends RawRun {
  readonly threads: number;
  readonly seconds: number;
}

export async function runRaw({ threads, seconds, ...run }: RawQuestion): Promise<RawFigures> {
  const workerData: RawRun = run;
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./raw-thread.ts', import.meta.url), { workerData }),
  );
  const answers = () =>
    Promise.all(workers.map((worker) => new Promise<number>((resolve) => worker.once('message', resolve))));
  await answers();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  for (const worker of workers) worker.postMessage(seconds);
  const runs = (await answers()).reduce((sum, count) => sum + count, 0);
  const [elapsed, spent] = [performance.now() - start, spentMs(cpu)];
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  for (const worker of workers) worker.postMessage(undefined);
  await Promise.all(ended);
  const pictures = runs * run.batch;
  const cpuMs = spent / pictures;
  const perSecondByClock = pictures / (elapsed / 1000);
  const perSecond = run.device === 'cpu' ? (Math.min(threads, CORES) * 1000) / cpuMs : perSecondByClock;
  return { cpuMs, perSecond, perSecondByClock };
}
