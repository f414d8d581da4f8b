/** Whether a worker grows with the number of jobs it has done: many small ones in one process, and a line through its memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, type Stores, submitJobs } from './cases.ts';
import type { Child } from './child.ts';
import { memoryOf } from './machine.ts';

export interface SlopeFigures {
  readonly jobs: number;
  /** Anonymous memory of the worker by jobs done, MB. */
  readonly samples: readonly (readonly [jobs: number, megabytes: number])[];
  /** KB a job, of the line through the samples after the first fifth. */
  readonly kilobytesAJob: number;
}

const SMALL: Case = { width: 32, height: 32, factor: 4, format: 'png' };
const AT_ONCE = 100;
const RESULTS_PER_JOB = 2;
const EVERY_MS = 20;
/** Caches and the heap may still grow. */
const SETTLING = 0.2;

export async function measureSlope(
  worker: Child,
  services: Child,
  stores: Stores,
  jobs: number,
): Promise<SlopeFigures> {
  const samples: [number, number][] = [];
  const before = await services.ask<number>('stored');
  for (let done = AT_ONCE; done <= jobs; done += AT_ONCE) {
    await submitJobs(stores, SMALL, AT_ONCE);
    const stored = before + done * RESULTS_PER_JOB;
    while ((await services.ask<number>('stored')) < stored)
      await Promise.race([sleep(EVERY_MS), worker.ended]);
    samples.push([done, (await memoryOf(worker.pid)).anonymous]);
    if (done % 1000 === 0) console.log(`${done} jobs: ${samples.at(-1)?.[1].toFixed(0)} MB`);
  }
  const settled = samples.filter(([done]) => done > jobs * SETTLING);
  return { jobs, samples, kilobytesAJob: slope(settled) * 1024 };
}

/** Of the line of least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const rise = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return rise / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
