/**
 * A worker that dies, or meets a failing service, at every single call it makes: whatever had been done by then, the
 * next worker ends the job once, and no file and no message is left over.
 */
import { expect, it } from 'vitest';
import { runJob } from '../../gpu-worker/run-job.ts';
import { OutboardError } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import { useServices } from '../job/services.ts';
import { intercept, setup, type WorkerServices } from './setup.ts';

const services = useServices();

/** Shorter than SQS hides a message, so that the next worker finds the lease run out; and never renewed. */
const LEASE_MS = 500;

interface Fault {
  /** Which call fails, counted from 1. */
  readonly at: number;
  /** Whether the service had done its work by then. */
  readonly moment: 'before' | 'after';
  /** A dead process makes no more calls; after a hiccup all is well again. */
  readonly worker: 'dead' | 'well';
}

const never: Fault = { at: Number.POSITIVE_INFINITY, moment: 'before', worker: 'well' };

/** The same services, with that fault; and which calls were made. */
function withFault(whole: WorkerServices, { at, moment, worker }: Fault) {
  const calls: string[] = [];
  const meet = async (verb: string, args: unknown[], make: () => unknown) => {
    const call = calls.push(verb);
    const faulty = call === at || (call > at && worker === 'dead');
    if (faulty && (moment === 'before' || call > at)) throw new Error(`gone before ${verb}`);
    if (verb === 'claim') args[3] = Date.now() + LEASE_MS;
    const answer = await make();
    if (faulty) throw new Error(`gone after ${verb}`);
    return answer;
  };
  const wrap = <T extends object>(target: T): T =>
    // The one call that is not asynchronous leaves the process nowhere.
    intercept(target, (verb, args, make) => (verb === 'versionFor' ? make() : meet(verb, args, make)));
  const { jobs, queue, pipeline } = whole;
  return {
    services: { ...whole, jobs: wrap(jobs), queue: wrap(queue), pipeline: wrap(pipeline) },
    calls,
  };
}

type Work = (job: Job) => void;

/** A job that was lost once already, run by a worker with a fault, and then by others without. */
async function live(work: Work, fault: Fault) {
  const bench = await setup(services(), {
    max_attempts: 5,
    work: (job, { progress }) => {
      progress.report({ phase: 'enlarging', completed: 0, total: 1, unit: 'tile' });
      work(job);
    },
  });
  const { jobs, id, row, held, take, pipeline } = bench;
  await jobs.claim(id, 'lost', new Date(), Date.now() - 1);
  pipeline.files.add(`${id}/1`);
  const results: string[] = [];
  const sound = bench.services;
  const faulty = withFault(sound, fault);
  const run = async (by: WorkerServices) => {
    const { result } = await runJob(by, await take(), () => {});
    results.push(result);
  };
  await run(faulty.services).catch(() => results.push('crashed'));
  while ((await held()) > 0) await run(sound);
  return { row: (await row()) as Job, files: [...pipeline.files], results, calls: faulty.calls, id };
}

/** Every fault that a worker can meet on its way through `work`. */
async function livesOf(work: Work) {
  const { calls } = await live(work, never);
  const faults = calls.flatMap((verb, index) =>
    (['before', 'after'] as const).flatMap((moment) =>
      (['dead', 'well'] as const).map((worker) => ({ at: index + 1, moment, worker, verb })),
    ),
  );
  const lives = await Promise.all(
    faults.map(async (fault) => ({
      ...(await live(work, fault)),
      name: `${fault.worker} ${fault.moment} call ${fault.at}, ${fault.verb}`,
    })),
  );
  return { calls, lives };
}

it('ends a job in one success wherever its worker fails', async () => {
  const { calls, lives } = await livesOf(() => {});
  expect(calls).toEqual(['claim', 'run', 'succeed', 'tidy', 'delete']);
  for (const { row, files, results, name, id } of lives) {
    expect(row, name).toMatchObject({ status: 'succeeded' });
    expect(row.output, name).toMatchObject({ facts: { fence: row.fence } });
    expect(files, name).toEqual([`${id}/${row.fence}`]);
    expect(results.filter((result) => result === 'succeeded').length, name).toBeLessThanOrEqual(1);
  }
});

it('ends a job in one failure, with its reason, wherever its worker fails', async () => {
  const { calls, lives } = await livesOf(() => {
    throw new OutboardError('image_corrupt');
  });
  expect(calls).toEqual(['claim', 'run', 'fail', 'delete']);
  for (const { row, results, name } of lives) {
    expect(row, name).toMatchObject({ status: 'failed', error: { code: 'image_corrupt' } });
    expect(results.filter((result) => result === 'failed').length, name).toBeLessThanOrEqual(1);
  }
});

it('runs a job again that met a passing error wherever its worker fails', async () => {
  const { calls, lives } = await livesOf(({ attempt }) => {
    if (attempt === 2) throw new OutboardError('model_failed');
  });
  expect(calls).toEqual(['claim', 'run', 'requeue', 'setVisibility']);
  for (const { row, name } of lives) expect(row, name).toMatchObject({ status: 'succeeded' });
});

it('counts an attempt that died, so that a job which kills its worker ends', async () => {
  const bench = await setup(services(), { max_attempts: 2 });
  const { row, held, take } = bench;
  for (const _ of [1, 2]) {
    const { services: dying } = withFault(bench.services, { at: 2, moment: 'before', worker: 'dead' });
    await expect(runJob(dying, await take(), () => {})).rejects.toThrow('gone before');
  }
  while ((await held()) > 0) await runJob(bench.services, await take(), () => {});
  expect(await row()).toMatchObject({ status: 'failed', attempt: 2, error: { code: 'attempts_exhausted' } });
});
