/** Messages that are deleted together, a moment after their jobs were settled. */
import { expect, it, vi } from 'vitest';
import { LateDeletes } from '../../gpu-worker/late-deletes.ts';
import { MAX_BATCH } from '../../shared/aws/job-queue.ts';
import { silent, useServices } from '../job/services.ts';
import { intercept, setup } from './setup.ts';

const services = useServices();
const PATIENCE_MS = 20_000;

async function late() {
  const bench = await setup(services());
  const calls: string[][] = [];
  const counted = intercept(bench.queue, (verb, args, call) => {
    if (verb === 'deleteAll') calls.push([...(args[0] as string[])]);
    return call();
  });
  const warn = vi.fn();
  return { ...bench, calls, warn, queue: new LateDeletes(counted, { ...silent, warn }) };
}

it('go ten at a call, at once where there are ten and else in a moment', async () => {
  const { queue, calls, held, take, services: parts } = await late();
  for (let more = 1; more < MAX_BATCH + 2; more += 1) await parts.queue.send(`job ${more}`, 'tenant');
  const receipts: string[] = [];
  while (receipts.length < MAX_BATCH + 2) receipts.push((await take()).receipt);
  for (const receipt of receipts) await queue.delete(receipt);
  expect(calls).toEqual([receipts.slice(0, MAX_BATCH)]);
  await vi.waitFor(async () => expect(await held()).toBe(0), PATIENCE_MS);
  expect(calls.map(({ length }) => length)).toEqual([MAX_BATCH, 2]);
});

it('are all gone when they are waited for', async () => {
  const { queue, calls, held, take } = await late();
  const { receipt } = await take();
  await queue.delete(receipt);
  expect(calls).toEqual([]);
  await queue.flush();
  expect(calls).toEqual([[receipt]]);
  expect(await held()).toBe(0);
});

it('come back where the call fails, and change nothing', async () => {
  const { queue, warn, held, row, runNext, pipeline } = await late();
  const gone = new LateDeletes(
    {
      receive: queue.receive,
      setVisibility: queue.setVisibility,
      deleteAll: () => Promise.reject(new Error('away')),
    },
    { ...silent, warn },
  );
  await runNext({ queue: gone });
  await gone.flush();
  expect(warn).toHaveBeenCalledOnce();
  const before = await row();
  expect(before).toMatchObject({ status: 'succeeded' });
  expect(await held()).toBe(1);
  expect(await runNext()).toEqual({ result: 'skipped' });
  expect(await row()).toEqual(before);
  expect(pipeline.attempts).toHaveLength(1);
  expect(await held()).toBe(0);
});
