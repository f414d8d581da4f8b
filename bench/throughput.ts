/**
 * How near the real worker comes to what its job's parts cost. It is gpu-worker/main.ts as a process, fed through SQS,
 * DynamoDB and S3; those servers take CPU of the same machine, so throughput is worked out from two measured factors:
 *
 *   work   = CPU of the job's parts, each measured alone (parts.ts) ÷ CPU the worker spent on a job.
 *            1 means: nothing but inference, decoding, encoding and calls of the services costs anything.
 *   busy   = cores for which a thread of the worker ran or waited ÷ cores, sampled while its queue was full.
 *            1 means: the worker never left a core idle, whatever else took that core.
 *   limit  = cores ÷ CPU of the parts of a job, jobs a second; the worker reaches work × busy of it.
 *
 * So the servers, and anything else on the machine, delay the worker but are not charged to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../shared/job.ts';
import { type Case, nameOf, type Stores, submitJobs } from './cases.ts';
import type { Child } from './child.ts';
import { CORES, runnableThreads } from './machine.ts';
import type { Parts } from './parts.ts';
import type { Reading } from './probe.ts';

export interface Load {
  readonly jobs: number;
  /** CPU of the worker, ms a job, from the first to the last. */
  readonly cpuMs: number;
  /** See `busy` above. */
  readonly busy: number;
  /** Jobs a second by the clock, while the queue was full. */
  readonly jobsPerSecond: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

/** One kind of job, and how far the worker is with it. */
export interface Workload {
  readonly name: string;
  /** @returns ids */
  submit(count: number): Promise<readonly string[]>;
  /** Jobs that the worker has done, of all there ever were; those in hand may be among them. */
  done(): Promise<number>;
  /** @throws where a job that succeeded is not one that was meant to be measured */
  check?(job: Job): void;
}

interface Bench {
  readonly worker: Child;
  readonly stores: Pick<Stores, 'jobs'>;
  /** Jobs that the worker has in hand at once; so many at both ends of a load are not part of its rate. */
  readonly places: number;
}

const EVERY_MS = 10;
const PATIENCE_MS = 300_000;
const RESULTS_PER_JOB = 2;
/** Rows read at once. */
const AT_ONCE = 20;

/** Enlargements, each told by its two pictures in the bucket. */
export const enlarging = (stores: Stores, services: Child, asked: Case): Workload => ({
  name: nameOf(asked),
  submit: (count) => submitJobs(stores, asked, count),
  done: async () => (await services.ask<number>('stored')) / RESULTS_PER_JOB,
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('The worker got stuck, or one of its jobs failed');
    await sleep(EVERY_MS);
  }
}

/** Sends `count` jobs and waits until every one has succeeded. */
export async function load(
  { worker, stores, places }: Bench,
  { name, submit, done, check }: Workload,
  count: number,
): Promise<Load> {
  const before = await done();
  const finished = async () => (await done()) - before;
  const first = await worker.ask<Reading>('read');
  const ids = await submit(count);
  await until(async () => (await finished()) >= Math.min(places, count - places - 1));

  const from = { at: performance.now(), done: await finished() };
  const samples: number[] = [];
  await until(async () => {
    samples.push(Math.min(CORES, runnableThreads(worker.pid)) / CORES);
    return (await finished()) >= count - places;
  });
  const to = { at: performance.now(), done: await finished() };

  const succeeded = (id: string) =>
    until(async () => {
      const job = await stores.jobs.get(id);
      if (job?.status === 'failed') throw new Error(`${name}: ${job.error?.message}`);
      if (job?.status !== 'succeeded') return false;
      check?.(job);
      return true;
    });
  for (let index = 0; index < ids.length; index += AT_ONCE)
    await Promise.all(ids.slice(index, index + AT_ONCE).map(succeeded));
  const last = await worker.ask<Reading>('read');

  return {
    jobs: count,
    cpuMs: (last.cpuMs - first.cpuMs) / count,
    busy: samples.reduce((sum, share) => sum + share, 0) / samples.length,
    jobsPerSecond: (to.done - from.done) / ((to.at - from.at) / 1000),
    loopP99Ms: last.loopP99Ms,
    loopMaxMs: last.loopMaxMs,
  };
}

/** CPU milliseconds of a job's parts together. */
export const partsMs = ({ inference, decode, bicubic, encode, services }: Parts): number =>
  inference + decode + bicubic + encode + services;
