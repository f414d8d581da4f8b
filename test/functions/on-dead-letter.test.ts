/** The end of a message that no worker could finish. */
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { expect, it } from 'vitest';
import { onDeadLetter } from '../../functions/on-dead-letter.ts';
import { queuedJob } from '../job/services.ts';
import { useFunctions } from './setup.ts';

const setup = useFunctions();

async function open() {
  const { jobs, log } = await setup();
  const job = queuedJob();
  await jobs.create(job);
  const handle = onDeadLetter(jobs, log);
  return {
    jobs,
    id: job.id,
    row: () => jobs.get(job.id),
    dead: (...bodies: string[]) => handle(letters(bodies)),
    letter: JSON.stringify({ job_id: job.id }),
  };
}

/** The event of the SQS trigger, as far as the handler reads it. */
const letters = (bodies: readonly string[]): SQSEvent => ({
  Records: bodies.map(
    (body) => ({ body, attributes: { ApproximateReceiveCount: '20' } }) as Partial<SQSRecord> as SQSRecord,
  ),
});

it('ends a waiting job with the reason', async () => {
  const { dead, letter, row } = await open();
  await dead(letter);
  expect(await row()).toMatchObject({
    status: 'failed',
    error: { code: 'attempts_exhausted', message: expect.stringContaining('came back 20 times') },
  });
  expect(await row()).not.toHaveProperty('open_shard');
});

it('ends a job whose worker fell silent', async () => {
  const { dead, letter, row, jobs, id } = await open();
  await jobs.claim(id, 'worker', new Date(), Date.now() - 1);
  await dead(letter);
  expect((await row())?.status).toBe('failed');
});

it('leaves a job alone that a worker is busy with', async () => {
  const { dead, letter, row, jobs, id } = await open();
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  const before = await row();
  await dead(letter);
  expect(await row()).toEqual(before);
  expect(await jobs.succeed({ id, fence: 1 }, { files: {}, facts: {} }, {}, new Date())).toBe(true);
});

it('leaves a job alone that has ended, however often its letters come', async () => {
  const { dead, letter, row, jobs, id } = await open();
  await jobs.end(id, 'canceled', new Date());
  const before = await row();
  await dead(letter, letter);
  expect(await row()).toEqual(before);
});

it('passes over letters that are not ours, and over jobs that nobody knows', async () => {
  const { dead, letter, row } = await open();
  await dead(
    'hello',
    '{}',
    '{"job_id":""}',
    '{"job_id":7}',
    '{"job_id":"job_aaaaaaaaaaaaaaaaaaaaaaaa"}',
    letter,
  );
  expect((await row())?.status).toBe('failed');
});
