/** What becomes of one message: each outcome of the work, and each reason not to begin it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { newJobId } from '../../shared/job.ts';
import { useServices } from '../job/services.ts';
import { aborted, endlessWork, intercept, setup } from './setup.ts';

const services = useServices();
const FAR_FUTURE = new Date('2100-01-01T00:00:00.000Z');

it('writes the result to the row and then deletes the message', async () => {
  const { jobs, queue, runNext, row, held, pipeline, id } = await setup(services());
  const order: string[] = [];
  const watched = {
    jobs: watch(jobs, (verb) => order.push(verb)),
    queue: watch(queue, (verb) => order.push(verb)),
  };
  expect(await runNext(watched)).toMatchObject({ result: 'succeeded', timings: { total_ms: 1 } });
  expect(order).toEqual(['claim', 'succeed', 'delete']);
  expect(await row()).toMatchObject({
    status: 'succeeded',
    attempt: 1,
    worker: 'worker',
    model_version: 'scripted@1',
    output: { facts: { fence: 1 } },
  });
  expect(await held()).toBe(0);
  expect([...pipeline.files]).toEqual([`${id}/1`]);
});

it('fails a job for an error of its input at once, with the reason', async () => {
  const { runNext, row, held, pipeline } = await setup(services(), {
    work: () => {
      throw new OutboardError('image_corrupt', { cause: new Error('a path of this machine') });
    },
  });
  expect(await runNext()).toMatchObject({ result: 'failed', reason: 'input' });
  expect(await row()).toMatchObject({
    status: 'failed',
    attempt: 1,
    error: new OutboardError('image_corrupt').toPublic(),
  });
  expect(await held()).toBe(0);
  expect(pipeline.attempts).toHaveLength(1);
});

it('runs a job again after an error that may pass, later each time, and fails it after the last attempt', async () => {
  const { queue, runNext, row, held, pipeline } = await setup(services(), {
    max_attempts: 3,
    work: ({ attempt }) => {
      throw new OutboardError('model_failed', { detail: `Attempt ${attempt}.` });
    },
  });
  const pauses: number[] = [];
  const eager = watch(queue, (verb, args) => {
    if (verb !== 'setVisibility') return;
    pauses.push(Number(args[1]));
    args[1] = 0;
  });
  expect(await runNext({ queue: eager })).toMatchObject({ result: 'retry' });
  expect(await row()).toMatchObject({ status: 'queued', error: { code: 'model_failed' } });
  expect(await runNext({ queue: eager })).toMatchObject({ result: 'retry' });
  expect(await runNext({ queue: eager })).toMatchObject({ result: 'failed' });
  expect(pauses).toEqual([2, 4]);
  expect(pipeline.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(await row()).toMatchObject({
    status: 'failed',
    attempt: 3,
    error: { code: 'model_failed', message: expect.stringContaining('Attempt 3.') },
  });
  expect(await held()).toBe(0);
});

it('takes an error that nobody foresaw for one that may pass, and shows none of it', async () => {
  const { runNext, row } = await setup(services(), {
    work: () => {
      throw new TypeError('x is not a function');
    },
  });
  expect(await runNext()).toMatchObject({ result: 'retry' });
  expect((await row())?.error).toEqual(new OutboardError('internal_error').toPublic());
});

it('leaves a job to its next attempt without an error when the retry succeeds', async () => {
  const { queue, runOut, row, pipeline, id } = await setup(services(), {
    work: ({ attempt }) => {
      if (attempt === 1) throw new OutboardError('model_failed');
    },
  });
  pipeline.files.add(`${id}/1`);
  const eager = watch(queue, (verb, args) => {
    if (verb === 'setVisibility') args[1] = 0;
  });
  await runOut({ queue: eager });
  const ended = await row();
  expect(ended).toMatchObject({ status: 'succeeded', attempt: 2 });
  expect(ended).not.toHaveProperty('error');
  expect([...pipeline.files]).toEqual([`${id}/2`]);
});

it('stops within one progress report when the job is canceled, and writes nothing', async () => {
  const { work, begun } = endlessWork();
  const { jobs, id, runNext, row, held } = await setup(services(), { work });
  const running = runNext();
  const { progress, signal } = await begun;
  await jobs.end(id, 'canceled', new Date());
  const ended = await row();
  expect(signal.aborted).toBe(false);
  progress.report({ phase: 'enlarging', completed: 1, total: 9, unit: 'tile' });
  await aborted(signal);
  expect(await running).toMatchObject({ result: 'lost', reason: 'canceled' });
  expect(await row()).toEqual(ended);
  expect(await held()).toBe(0);
});

it('writes nothing, and takes its files back, when another worker took the job meanwhile', async () => {
  const lost = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { jobs, id, runNext, row, held, pipeline } = await setup(services(), {
    work: () => {
      begun.resolve();
      return lost.promise;
    },
  });
  const running = runNext();
  await begun.promise;
  // To the second worker the lease looks as if it had run out long ago.
  const claimAt = new Date(Date.now() + 60_000);
  const second = await jobs.claim(id, 'second', claimAt, claimAt.getTime() + 60_000);
  expect(second.kind).toBe('claimed');
  const before = await row();
  lost.resolve();
  expect(await running).toMatchObject({ result: 'lost' });
  expect(await row()).toEqual(before);
  expect(await held()).toBe(1);
  expect(pipeline.files.size).toBe(0);
});

it('writes nothing about a failure either, when another worker took the job meanwhile', async () => {
  const lost = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { jobs, id, runNext, row, held } = await setup(services(), {
    work: () => {
      begun.resolve();
      return lost.promise;
    },
  });
  const running = runNext();
  await begun.promise;
  const claimAt = new Date(Date.now() + 60_000);
  await jobs.claim(id, 'second', claimAt, claimAt.getTime() + 60_000);
  const before = await row();
  lost.reject(new OutboardError('image_corrupt'));
  await running;
  expect(await row()).toEqual(before);
  expect(await held()).toBe(1);
});

it('keeps a success, and its files, when the answer to the write was lost and the SDK repeated it', async () => {
  const { runNext, row, held, pipeline, id } = await setup(services());
  const dynamo = new DynamoDBClient({ endpoint: services().settings.AWS_ENDPOINT_URL_DYNAMODB ?? '' });
  let lost = 0;
  dynamo.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      if (JSON.stringify(args.input).includes('succeeded') && lost++ === 0) {
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $metadata: {} });
      }
      return answer;
    },
    { step: 'deserialize', priority: 'high' },
  );
  const jobs = new JobStore(DynamoDBDocumentClient.from(dynamo), services().settings.OUTBOARD_JOBS_TABLE);
  await runNext({ jobs });
  expect(lost).toBe(1);
  expect(await row()).toMatchObject({ status: 'succeeded', output: { facts: { fence: 1 } } });
  expect([...pipeline.files]).toEqual([`${id}/1`]);
  expect(await held()).toBe(0);
});

it('deletes a message of a job that nobody knows', async () => {
  const { jobs, id, runNext, held, pipeline } = await setup(services());
  await jobs.erase(id);
  expect(await runNext()).toMatchObject({ result: 'skipped' });
  expect(await held()).toBe(0);
  expect(pipeline.attempts).toEqual([]);
});

it('deletes a message that is not ours', async () => {
  const { queue, take, runNext, held, sendBody } = await setup(services());
  await queue.delete((await take()).receipt);
  for (const body of ['hello', '{}', JSON.stringify({ job_id: newJobId().toUpperCase() })]) {
    await sendBody(body);
    expect(await runNext(), body).toMatchObject({ result: 'skipped' });
    expect(await held(), body).toBe(0);
  }
});

it('deletes a message of a job that has ended, and leaves the row as it is', async () => {
  const { jobs, id, runNext, row, held, pipeline } = await setup(services());
  await jobs.end(id, 'canceled', new Date());
  const before = await row();
  expect(await runNext()).toMatchObject({ result: 'skipped' });
  expect(await row()).toEqual(before);
  expect(await held()).toBe(0);
  expect(pipeline.attempts).toEqual([]);
});

it('sees a message of a leased job again once the lease is over', async () => {
  const { jobs, id, runNext, row, held, pipeline } = await setup(services());
  await jobs.claim(id, 'first', new Date(), Date.now() + 1_500);
  expect(await runNext()).toMatchObject({ result: 'skipped' });
  expect(await held()).toBe(1);
  expect(pipeline.attempts).toEqual([]);
  expect((await runNext()).result).toBe('succeeded');
  expect(await row()).toMatchObject({ status: 'succeeded', worker: 'worker', attempt: 2 });
});

it('ends a job past its deadline as expired, without running it', async () => {
  const { runNext, row, held, pipeline } = await setup(services(), {
    deadline_at: new Date(Date.now() - 1).toISOString(),
  });
  expect(await runNext()).toMatchObject({ result: 'skipped', reason: 'timeout' });
  expect(await row()).toMatchObject({ status: 'expired', error: { code: 'deadline_exceeded' } });
  expect(await held()).toBe(0);
  expect(pipeline.attempts).toEqual([]);
});

it('ends a job that killed its worker every time, and names the last one', async () => {
  const { jobs, id, runNext, row, held, pipeline } = await setup(services(), { max_attempts: 1 });
  await jobs.claim(id, 'the dead one', new Date(), Date.now() - 1);
  expect(await runNext()).toMatchObject({ result: 'skipped' });
  expect(await row()).toMatchObject({
    status: 'failed',
    error: { code: 'attempts_exhausted', message: expect.stringContaining('the dead one') },
  });
  expect(await held()).toBe(0);
  expect(pipeline.attempts).toEqual([]);
});

it('uses the version that the first attempt fixed', async () => {
  const seen: unknown[] = [];
  const { jobs, id, runNext } = await setup(services(), { work: (job) => void seen.push(job.model_version) });
  await jobs.claim(id, 'first', new Date(), Date.now() - 1);
  await jobs.renew({ id, fence: 1, modelVersion: 'scripted@0' }, Date.now() - 1);
  await runNext();
  expect(seen).toEqual(['scripted@0']);
});

it('fails a job at once whose model is not there', async () => {
  const { runNext, row, pipeline } = await setup(services());
  pipeline.versionFor = () => {
    throw new OutboardError('unknown_model', { field: 'model' });
  };
  expect(await runNext()).toMatchObject({ result: 'failed', reason: 'rejected' });
  expect(await row()).toMatchObject({ status: 'failed', error: { code: 'unknown_model', field: 'model' } });
});

it('never starts what another worker holds, however long that one lives', async () => {
  const { jobs, id, runNext, pipeline } = await setup(services());
  await jobs.claim(id, 'first', new Date(), FAR_FUTURE.getTime());
  expect(await runNext()).toMatchObject({ result: 'skipped' });
  expect(pipeline.attempts).toEqual([]);
});

/** The same object, with every call told first; the arguments may be changed. */
const watch = <T extends object>(target: T, told: (verb: string, args: unknown[]) => void): T =>
  intercept(target, (verb, args, call) => {
    told(verb, args);
    return call();
  });
