/** Dead letters go back to the queue once, and nothing else does. */
import { expect, it } from 'vitest';
import { findDeadLetters, leaveDeadLetters, redrive } from '../../cli/dead-letters.ts';
import { OutboardError } from '../../shared/errors.ts';
import { queuedJob, useServices } from '../job/services.ts';

const services = useServices();
const gaveUp = new OutboardError('attempts_exhausted').toPublic();
const since = new Date(Date.now() - 60_000);

async function setup() {
  const { jobs, index, newQueue } = services();
  const { queue, deadLetters } = await newQueue();
  const find = () => findDeadLetters({ index, deadLetters }, ['attempts_exhausted'], since);
  /** Ids waiting in the queue of work; takes them out. */
  const queued = async () => (await queue.receive(10, 0, 60)).map(({ jobId }) => jobId);
  return { jobs, queue, deadLetters, find, queued, all: { jobs, index, queue, deadLetters } };
}

it('opens jobs that the stage gave up on, with all their attempts and as much time as at first', async () => {
  const { jobs, find, queued, all } = await setup();
  const job = queuedJob();
  await jobs.create(job);
  await jobs.end(job.id, 'failed', new Date(), gaveUp);
  const found = await find();
  expect(found.jobs.map(({ id }) => id)).toEqual([job.id]);
  const now = new Date(Date.now() + 3_600_000);
  expect(await redrive(all, found, now)).toBe(1);
  expect(await queued()).toEqual([job.id]);
  const life = Date.parse(job.deadline_at) - Date.parse(job.created_at);
  expect(await jobs.get(job.id)).toMatchObject({
    status: 'queued',
    attempt: 0,
    deadline_at: new Date(now.getTime() + life).toISOString(),
  });
  expect((await find()).jobs).toEqual([]);
});

it('leaves jobs that failed for a reason of their own, and those that somebody opened meanwhile', async () => {
  const { jobs, find, queued, all } = await setup();
  const broken = queuedJob();
  await jobs.create(broken);
  await jobs.end(broken.id, 'failed', new Date(), new OutboardError('image_corrupt').toPublic());
  const opened = queuedJob();
  await jobs.create(opened);
  await jobs.end(opened.id, 'failed', new Date(), gaveUp);
  const found = await find();
  expect(found.jobs.map(({ id }) => id)).toEqual([opened.id]);
  const { deadline_at: deadlineAt, expires_at: expiresAt } = opened;
  await jobs.reopen(opened.id, { deadlineAt, expiresAt, sweepAt: deadlineAt });
  expect(await redrive(all, found)).toBe(0);
  expect(await queued()).toEqual([]);
});

it('gives the message of an open job back, and drops one that is over or not ours', async () => {
  const { jobs, deadLetters, find, queued, all } = await setup();
  const [open, over] = [queuedJob(), queuedJob()];
  await jobs.create(open);
  await jobs.create(over);
  await jobs.end(over.id, 'canceled', new Date());
  for (const id of [open.id, over.id, 'no id']) await deadLetters.send(id, 'tenant');
  const found = await find();
  expect(found.messages).toHaveLength(3);
  expect(await redrive(all, found)).toBe(1);
  expect(await queued()).toEqual([open.id]);
  expect((await find()).messages).toEqual([]);
});

it('changes nothing where nobody agreed', async () => {
  const { jobs, deadLetters, find, queued, all } = await setup();
  const job = queuedJob();
  await jobs.create(job);
  await deadLetters.send(job.id, 'tenant');
  await leaveDeadLetters(all, await find());
  expect(await queued()).toEqual([]);
  expect((await find()).messages.map(({ jobId }) => jobId)).toEqual([job.id]);
});
