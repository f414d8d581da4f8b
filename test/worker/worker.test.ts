/** The loop: how many jobs it takes, what it does with repeated messages, and both steps of a shutdown. */
import { expect, it, vi } from 'vitest';
import { queuedJob, useServices } from '../job/services.ts';
import { endlessWork, intercept, newWorker, ScriptedPipeline, setup } from './setup.ts';

const services = useServices();
const LONG_MS = 600_000;

it('works off the queue and ends when it is told to', async () => {
  const { services: options, row, held } = await setup(services());
  const { worker, results } = newWorker(options);
  const running = worker.run();
  await vi.waitFor(async () => expect(await held()).toBe(0), 20_000);
  worker.stop(LONG_MS);
  await running;
  expect(results).toEqual(['succeeded']);
  expect((await row())?.status).toBe('succeeded');
});

it('never takes more messages than it has places for', async () => {
  const { jobs, services: options, queue, job, id } = await setup(services());
  await Promise.all(
    Array.from({ length: 7 }, async () => {
      const more = queuedJob({ tenant: job.tenant });
      await jobs.create(more);
      await queue.send(more.id, more.tenant);
    }),
  );
  let inHand = 0;
  let most = 0;
  const pipeline = new ScriptedPipeline(async () => {
    inHand += 1;
    most = Math.max(most, inHand);
    await jobs.get(id);
    inHand -= 1;
  });
  const asked: number[] = [];
  const counted = intercept(queue, (verb, args, call) => {
    if (verb === 'receive') asked.push(Number(args[0]));
    return call();
  });
  const { worker, results } = newWorker({ ...options, pipeline, queue: counted }, 3);
  const running = worker.run();
  await vi.waitFor(() => expect(results).toHaveLength(8), 20_000);
  worker.stop(LONG_MS);
  await running;
  expect(most).toBeLessThanOrEqual(3);
  expect(Math.max(...asked)).toBeLessThanOrEqual(3);
  expect(results).toEqual(Array(8).fill('succeeded'));
});

it('runs a job once however often its message comes', async () => {
  const { services: options, queue, job, pipeline, held, row } = await setup(services());
  await Promise.all(Array.from({ length: 4 }, () => queue.send(job.id, job.tenant)));
  const first = newWorker({ ...options, leaseSeconds: 1 });
  const second = newWorker({ ...options, leaseSeconds: 1 });
  const running = [first.worker.run(), second.worker.run()];
  await vi.waitFor(async () => expect(await held()).toBe(0), 50_000);
  for (const { worker } of [first, second]) worker.stop(LONG_MS);
  await Promise.all(running);
  expect(pipeline.attempts).toHaveLength(1);
  expect([...first.results, ...second.results].filter((result) => result === 'succeeded')).toHaveLength(1);
  expect(await row()).toMatchObject({ status: 'succeeded', attempt: 1 });
});

it('lets a running job finish when it is told to stop, and takes no other', async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const bench = await setup(services(), {
    work: () => {
      begun.resolve();
      return finish.promise;
    },
  });
  const { worker, results } = newWorker(bench.services, 1);
  const running = worker.run();
  await begun.promise;
  const next = queuedJob();
  await bench.jobs.create(next);
  await bench.queue.send(next.id, next.tenant);
  worker.stop(LONG_MS);
  expect(worker.busy).toBe(1);
  finish.resolve();
  await running;
  expect(results).toEqual(['succeeded']);
  expect(await bench.row()).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect(await bench.jobs.get(next.id)).toMatchObject({ status: 'queued', attempt: 0 });
  expect(await bench.queue.depth()).toBe(1);
});

it.each([
  ['when the time to drain is up', [0]],
  ['when it is told a second time', [LONG_MS, LONG_MS]],
])('gives a running job back at once and uncounted %s', async (_, stops) => {
  const { work, begun } = endlessWork();
  const { services: options, row, queue, pipeline, id } = await setup(services(), { work });
  const { worker, results } = newWorker(options, 1);
  const running = worker.run();
  await begun;
  for (const drainMs of stops) worker.stop(drainMs);
  await running;
  expect(results).toEqual(['released']);
  expect(await row()).toMatchObject({ status: 'queued', attempt: 0, fence: 1 });
  expect(await queue.receive(1, 0, 30)).toMatchObject([{ jobId: id }]);
  expect(pipeline.files.size).toBe(0);
});

it('gives a job back that comes out of the queue when it is already told to stop', async () => {
  const { work } = endlessWork();
  const { services: options, row, queue, take } = await setup(services(), { work });
  const message = await take();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<(typeof message)[]>();
  const slow = intercept(queue, (verb, _, call) => {
    if (verb !== 'receive') return call();
    asked.resolve();
    return answer.promise;
  });
  const { worker } = newWorker({ ...options, queue: slow }, 1);
  const running = worker.run();
  await asked.promise;
  worker.stop(LONG_MS);
  worker.stop(LONG_MS);
  answer.resolve([message]);
  await running;
  expect(await row()).toMatchObject({ status: 'queued', attempt: 0 });
  expect(await queue.receive(1, 0, 30)).toHaveLength(1);
});

it('asks again when the queue does not answer', async () => {
  const { services: options, queue, row } = await setup(services());
  let asked = 0;
  const flaky = intercept(queue, (verb, _, call) => {
    if (verb === 'receive' && asked++ === 0) throw new Error('away');
    return call();
  });
  const { worker } = newWorker({ ...options, queue: flaky });
  const running = worker.run();
  await vi.waitFor(async () => expect((await row())?.status).toBe('succeeded'), 20_000);
  worker.stop(LONG_MS);
  await running;
});

it('takes over a job whose lease ran out, although its message is still behind a backlog', async () => {
  const { jobs, services: options, take, queue, id, row } = await setup(services());
  const now = new Date();
  await jobs.claim(id, 'killed worker', now, now.getTime() - 1);
  await queue.setVisibility((await take()).receipt, 3_600);
  // The index holds the jobs of other tests too; this worker has eyes for its own.
  const index = {
    async *due(at: Date) {
      for await (const found of services().index.due(at)) if (found === id) yield found;
    },
  };
  const { worker } = newWorker({ ...options, index });
  const running = worker.run();
  await vi.waitFor(async () => expect((await row())?.status).toBe('succeeded'), 20_000);
  worker.stop(LONG_MS);
  await running;
  expect(await row()).toMatchObject({ attempt: 2, fence: 2 });
  expect(await queue.depth()).toBe(0);
});
