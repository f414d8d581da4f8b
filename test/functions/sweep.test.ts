/** The net under the promises: rows without a message, and jobs past their deadline. */
import { expect, it } from 'vitest';
import { sweep } from '../../functions/sweep.ts';
import type { Job } from '../../shared/job.ts';
import { queuedJob } from '../job/services.ts';
import { useFunctions } from './setup.ts';

const setup = useFunctions();

/** A table that holds nothing but this test's open jobs: what other tests left is ended first. */
async function open() {
  const bundle = await setup();
  const { jobs, index } = bundle;
  for await (const id of index.due(new Date('9999-12-31'))) await jobs.end(id, 'canceled', new Date());
  const put = async (changes: Partial<Job> = {}) => {
    const job = queuedJob(changes);
    await jobs.create(job);
    return job;
  };
  const later = (job: Job, milliseconds: number) => () => new Date(Date.parse(job.created_at) + milliseconds);
  return { ...bundle, put, later, row: (job: Job) => jobs.get(job.id) };
}

const AT_DEADLINE_MS = 3_600_000;

it('sends the message that was never sent, once, after a minute', async () => {
  const { put, later, row, takeAll, ...services } = await open();
  const job = await put();
  expect(await sweep(services, later(job, 59_999))()).toEqual({ expired: 0, repaired: 0 });
  expect(await sweep(services, later(job, 60_000))()).toEqual({ expired: 0, repaired: 1 });
  expect(await sweep(services, later(job, 120_000))()).toEqual({ expired: 0, repaired: 0 });
  expect(await takeAll()).toEqual([job.id]);
  expect(await row(job)).toMatchObject({ status: 'queued', enqueued_at: expect.any(String) });
});

it('ends a job at its deadline, whether it waits or runs, with the reason', async () => {
  const { put, later, row, jobs, ...services } = await open();
  const waiting = await put();
  const running = await put();
  await jobs.markEnqueued(waiting, new Date());
  await jobs.claim(running.id, 'worker', new Date(), Date.now() + 60_000);
  const clock = later(running, AT_DEADLINE_MS);
  expect(await sweep({ ...services, jobs }, clock)()).toEqual({ expired: 2, repaired: 0 });
  for (const job of [waiting, running]) {
    expect(await row(job)).toMatchObject({ status: 'expired', error: { code: 'deadline_exceeded' } });
  }
  expect(await jobs.succeed({ id: running.id, fence: 1 }, { files: {}, facts: {} }, {}, new Date())).toBe(
    false,
  );
  expect(await sweep({ ...services, jobs }, clock)()).toEqual({ expired: 0, repaired: 0 });
});

it('leaves alone what has its message and its time, and what has ended', async () => {
  const { put, later, row, jobs, takeAll, ...services } = await open();
  const enqueued = await put();
  await jobs.markEnqueued(enqueued, new Date());
  const ended = await put();
  await jobs.end(ended.id, 'canceled', new Date());
  const before = [await row(enqueued), await row(ended)];
  expect(await sweep({ ...services, jobs }, later(ended, AT_DEADLINE_MS - 1_000))()).toEqual({
    expired: 0,
    repaired: 0,
  });
  expect([await row(enqueued), await row(ended)]).toEqual(before);
  expect(await takeAll()).toEqual([]);
});

it('goes on with the others when one message cannot be sent', async () => {
  const { put, later, row, queue, takeAll, ...services } = await open();
  const late = { deadline_at: new Date(Date.now() + 1_000).toISOString() };
  const stuck = await Promise.all(Array.from({ length: 8 }, () => put()));
  const overdue = await Promise.all(Array.from({ length: 8 }, () => put(late)));
  const [first] = stuck;
  const refused = new Set(stuck.slice(0, 7).map(({ id }) => id));
  const queueThatRefuses = {
    send: async (id: string, tenant: string) => {
      if (refused.has(id)) throw new Error('refused');
      await queue.send(id, tenant);
    },
  };
  const run = sweep({ ...services, queue: queueThatRefuses }, later(first as Job, 60_500));
  expect(await run()).toEqual({ expired: 8, repaired: 1 });
  for (const job of overdue) expect((await row(job))?.status).toBe('expired');
  for (const job of stuck) expect((await row(job))?.status).toBe('queued');
  expect(await takeAll()).toEqual([stuck[7]?.id]);
  const again = sweep({ ...services, queue }, later(first as Job, 120_000));
  expect(await again()).toEqual({ expired: 0, repaired: 7 });
});

it('repairs every job while the queue comes and goes', async () => {
  const { put, later, deadQueue, queue, takeAll, ...services } = await open();
  const job = await put();
  const clock = later(job, 61_000);
  expect(await sweep({ ...services, queue: deadQueue }, clock)()).toEqual({ expired: 0, repaired: 0 });
  expect(await sweep({ ...services, queue }, clock)()).toEqual({ expired: 0, repaired: 1 });
  expect(await takeAll()).toEqual([job.id]);
});
