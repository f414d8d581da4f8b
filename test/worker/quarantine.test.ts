/**
 * Jobs that a worker did not survive: they run alone, what they do is on the row before they do it, and after three
 * workers they are not started again. A worker that dies is played by a claim whose lease has run out.
 */
import { expect, it, vi } from 'vitest';
import { Company } from '../../gpu-worker/company.ts';
import { runJob } from '../../gpu-worker/run-job.ts';
import { queuedJob, useServices } from '../job/services.ts';
import { ScriptedPipeline, setup } from './setup.ts';

const services = useServices();
type Bench = Awaited<ReturnType<typeof setup>>;

/** So many workers took the job and were never heard of again. */
async function lose({ jobs, id }: Pick<Bench, 'jobs' | 'id'>, times: number): Promise<void> {
  for (let worker = 1; worker <= times; worker += 1) {
    await jobs.claim(id, `dead ${worker}`, new Date(), Date.now() - 1);
  }
}

it('ends a job that three workers did not survive, with what it was doing', async () => {
  const bench = await setup(services(), { max_attempts: 9 });
  await lose(bench, 3);
  const { fence = 0 } = (await bench.row()) ?? {};
  const evidence = {
    worker: 'dead 3',
    phase: 'enlarging',
    input_sha256: 'abc',
    log: ['decoding', 'enlarging'],
  } as const;
  await bench.jobs.note(
    { id: bench.id, fence },
    { phase: 'enlarging', completed: 0, total: 1, unit: 'tile' },
    evidence,
  );
  expect(await bench.runNext()).toMatchObject({ result: 'skipped' });
  expect(await bench.row()).toMatchObject({
    status: 'failed',
    evidence,
    error: {
      code: 'quarantined',
      message: expect.stringMatching(/3 of them, the last one dead 3, in the phase "enlarging"/),
    },
  });
  expect(await bench.held()).toBe(0);
  expect(bench.pipeline.attempts).toEqual([]);
});

it('starts a job in quarantine again when its client says so, from the beginning', async () => {
  const bench = await setup(services(), { max_attempts: 9 });
  await lose(bench, 3);
  await bench.runNext();
  const soon = new Date(Date.now() + 60_000).toISOString();
  await bench.jobs.reopen(bench.id, { deadlineAt: soon, sweepAt: soon, expiresAt: 1 });
  await bench.queue.send(bench.id, bench.job.tenant);
  expect((await bench.runNext()).result).toBe('succeeded');
  expect(await bench.row()).toMatchObject({ status: 'succeeded', attempt: 1 });
});

it('writes what a suspect is about to do before it does it, and nothing more of others', async () => {
  const seen: unknown[] = [];
  const work: Parameters<typeof setup>[1] = {
    work: async (job, { progress }) => {
      progress.learn({ model_version: 'm@1', input_sha256: 'abc' });
      await progress.enter({ phase: 'decoding', completed: 0, total: 1, unit: 'step' });
      await progress.enter({ phase: 'enlarging', completed: 0, total: 1, unit: 'step' });
      seen.push((await services().jobs.get(job.id))?.evidence);
    },
  };
  const suspect = await setup(services(), work);
  await lose(suspect, 1);
  await suspect.runNext();
  await (await setup(services(), work)).runNext();
  expect(seen).toEqual([
    {
      worker: 'worker',
      model_version: 'm@1',
      input_sha256: 'abc',
      phase: 'enlarging',
      log: [expect.stringMatching(/^20.+Z decoding$/), expect.stringMatching(/^20.+Z enlarging$/)],
    },
    undefined,
  ]);
});

/** A worker with an ordinary job in hand that goes on until it is told to end, and a suspect beside it. */
async function besideAnother() {
  const suspect = await setup(services(), { max_attempts: 9 });
  await lose(suspect, 1);
  const ordinary = queuedJob();
  await suspect.jobs.create(ordinary);
  const finish = Promise.withResolvers<void>();
  const inside = new Set<string>();
  const together: string[][] = [];
  const pipeline = new ScriptedPipeline(async ({ id }) => {
    inside.add(id);
    together.push([...inside]);
    if (id === ordinary.id) await finish.promise;
    inside.delete(id);
  });
  const company = new Company();
  const run = (jobId: string, watch: Parameters<typeof runJob>[2] = () => {}) =>
    runJob({ ...suspect.services, pipeline, company }, { jobId }, watch);
  const first = run(ordinary.id);
  await vi.waitFor(() => expect(inside.size).toBe(1));
  return { suspect, ordinary, finish, together, run, first };
}

it('runs a suspect when nothing else runs, and does not count it while it waits', async () => {
  const { suspect, ordinary, finish, together, run, first } = await besideAnother();
  const alone = run(suspect.id);
  await vi.waitFor(async () =>
    expect(await suspect.row()).toMatchObject({ status: 'running', unreported: 1 }),
  );
  expect(await suspect.row()).toMatchObject({ attempt: 1 });
  // Who comes now waits outside, unclaimed.
  const late = queuedJob();
  await suspect.jobs.create(late);
  const last = run(late.id);
  expect(together).toEqual([[ordinary.id]]);
  finish.resolve();
  expect((await Promise.all([first, alone, last])).map(({ result }) => result)).toEqual(
    Array(3).fill('succeeded'),
  );
  expect(together).toEqual([[ordinary.id], [suspect.id], [late.id]]);
  expect(await suspect.row()).toMatchObject({ attempt: 2 });
});

it('gives a suspect back that waits when the worker shuts down, as if it had not been taken', async () => {
  const { suspect, finish, run, first } = await besideAnother();
  const before = await suspect.row();
  let stop = () => {};
  const waiting = run(suspect.id, (lease) => {
    stop = () => lease.abort('shutdown');
  });
  await vi.waitFor(async () => expect(await suspect.row()).toMatchObject({ attempt: 1, fence: 2 }));
  stop();
  expect(await waiting).toMatchObject({ result: 'released' });
  expect(await suspect.row()).toMatchObject({
    status: 'queued',
    attempt: before?.attempt,
    unreported: before?.unreported,
  });
  finish.resolve();
  expect(await first).toMatchObject({ result: 'succeeded' });
});

it('lets the others in when a suspect leaves while it waits', async () => {
  const company = new Company();
  const never = new AbortController().signal;
  const [ordinary, suspect] = [await company.join(), await company.join()];
  const waiting = suspect.alone(never);
  const next = company.join();
  suspect.leave();
  await expect(waiting).rejects.toThrow();
  ordinary.leave();
  (await next).leave();
  expect((await company.join()).tryAlone()).toBe(true);
});

it('lets suspects run one after another', async () => {
  const company = new Company();
  const never = new AbortController().signal;
  const [a, b, c] = [await company.join(), await company.join(), await company.join()];
  expect(a.tryAlone()).toBe(false);
  let inside = 0;
  const alone = async (place: typeof a) => {
    await place.alone(never);
    inside += 1;
    expect(inside).toBe(1);
    await new Promise(setImmediate);
    inside -= 1;
    place.leave();
  };
  const all = [alone(a), alone(b), alone(c)];
  const next = company.join();
  await Promise.all(all);
  expect((await next).tryAlone()).toBe(true);
});
