/**
 * How near the real worker comes to what its job's parts cost. It is gpu-worker/main.ts as a process, fed through SQS,
 * DynamoDB and S3; those servers take CPU of the same machine, so throughput is worked out from two measured factors:
 *
 *   work   = CPU of the job's parts, each measured alone (parts.ts) ÷ CPU the worker spent on a job.
 *            1 means: nothing but inference, decoding, encoding and calls of the services costs anything.
 *   busy   = CPU the worker spent ÷ (cores × time − CPU of every other process), while its queue was full.
 *            1 means: no core that the worker could have had was idle.
 *   limit  = cores ÷ CPU of the parts of a job, jobs a second; the worker reaches work × busy of it.
 *
 * The second factor is what moving the servers to another machine gives back. Processes of low priority count as idle.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, nameOf, type Stores, submitJobs } from './cases.ts';
import type { Child } from './child.ts';
import { busyMs, CORES } from './machine.ts';
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

interface Bench {
  readonly worker: Child;
  readonly services: Child;
  readonly stores: Stores;
  /** Jobs that the worker has in hand at once. */
  readonly places: number;
}

const EVERY_MS = 20;
const RESULTS_PER_JOB = 2;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(EVERY_MS);
}

/** Sends `count` jobs and waits until every one has succeeded. */
export async function load(
  { worker, services, stores, places }: Bench,
  asked: Case,
  count: number,
): Promise<Load> {
  const before = await services.ask<number>('stored');
  const finished = async () => ((await services.ask<number>('stored')) - before) / RESULTS_PER_JOB;
  const first = await worker.ask<Reading>('read');
  const ids = await submitJobs(stores, asked, count);
  await until(async () => (await finished()) >= Math.min(places, count - places - 1));

  const from = {
    at: performance.now(),
    done: await finished(),
    busy: await busyMs(),
    own: await worker.ask<Reading>('read'),
  };
  await until(async () => (await finished()) >= count - places);
  const to = {
    at: performance.now(),
    done: await finished(),
    busy: await busyMs(),
    own: await worker.ask<Reading>('read'),
  };

  for (const id of ids) {
    await until(async () => {
      const job = await stores.jobs.get(id);
      if (job?.status === 'failed')
        throw new Error(`${nameOf(asked)}: ${job.error?.message}`);
      return job?.status === 'succeeded';
    });
  }
  const last = await worker.ask<Reading>('read');

  const own = to.own.cpuMs - from.own.cpuMs;
  const others = Math.max(0, to.busy - from.busy - own);
  const loops = [from.own, to.own, last];
  return {
    jobs: count,
    cpuMs: (last.cpuMs - first.cpuMs) / count,
    busy: own / (CORES * (to.at - from.at) - others),
    jobsPerSecond: (to.done - from.done) / ((to.at - from.at) / 1000),
    loopP99Ms: Math.max(...loops.map(({ loopP99Ms }) => loopP99Ms)),
    loopMaxMs: Math.max(...loops.map(({ loopMaxMs }) => loopMaxMs)),
  };
}

/** CPU milliseconds of a job's parts together. */
export const partsMs = ({ inference, decode, bicubic, encode, services }: Parts): number =>
  inference + decode + bicubic + encode + services;
