/** How a lease is kept, and how it is noticed that it is lost. */
import { expect, it, vi } from 'vitest';
import { Lease, StopError } from '../../gpu-worker/lease.ts';
import { runJob } from '../../gpu-worker/run-job.ts';
import { silent, useServices } from '../job/services.ts';
import { aborted, endlessWork, setup } from './setup.ts';

const services = useServices();

/** A job in hand under a lease of `seconds`, with stores that the test may spoil. */
async function held(seconds: number, spoil: Partial<ConstructorParameters<typeof Lease>[0]> = {}) {
  const bench = await setup(services());
  const { jobs, queue, id } = bench;
  const until = Date.now() + seconds * 1000;
  await jobs.claim(id, 'worker', new Date(), until);
  const { receipt } = await bench.take();
  const claim = { id, fence: 1 };
  const lease = new Lease({ jobs, queue, claim, receipt, seconds, log: silent, ...spoil }, until);
  return { ...bench, lease, claim, until };
}

const whyAborted = (signal: AbortSignal) => {
  const reason: unknown = signal.reason;
  return reason instanceof StopError ? reason.reason : reason;
};

it('keeps the row and the message its own for longer than it was given', async () => {
  const { lease, row, until, queue } = await held(1);
  await vi.waitFor(async () => expect((await row())?.lease_until).toBeGreaterThan(until + 1_000), 10_000);
  expect(lease.signal.aborted).toBe(false);
  expect(await queue.receive(1, 0, 1)).toEqual([]);
  await lease.end();
});

it('aborts when a renewal finds that another holds the job', async () => {
  const { lease, jobs, id, row } = await held(1);
  const claimAt = new Date(Date.now() + 60_000);
  await jobs.claim(id, 'second', claimAt, claimAt.getTime() + 60_000);
  const before = await row();
  await aborted(lease.signal);
  expect(whyAborted(lease.signal)).toBe('lease-lost');
  expect(await row()).toEqual(before);
  await lease.end();
});

it('bears a database that is away for a moment, and aborts when it stays away for a whole lease', async () => {
  let renewals = 0;
  const { lease, until } = await held(1, {
    jobs: {
      async renew() {
        renewals += 1;
        throw new Error('away');
      },
    },
  });
  await vi.waitFor(() => expect(renewals).toBeGreaterThan(0));
  if (Date.now() < until) expect(lease.signal.aborted).toBe(false);
  await aborted(lease.signal);
  expect(Date.now()).toBeGreaterThanOrEqual(until);
  expect(whyAborted(lease.signal)).toBe('lease-lost');
  await lease.end();
});

it('holds the job although the visibility of its message cannot be extended', async () => {
  const { lease, row, until } = await held(1, {
    queue: {
      async setVisibility() {
        throw new Error('away');
      },
    },
  });
  await vi.waitFor(async () => expect((await row())?.lease_until).toBeGreaterThan(until + 1_000), 10_000);
  expect(lease.signal.aborted).toBe(false);
  await lease.end();
});

it('waits at its end for a renewal under way, which would hide a message again that was given back', async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const { lease } = await held(0.3, {
    queue: {
      setVisibility() {
        asked.resolve();
        return answer.promise;
      },
    },
  });
  await asked.promise;
  let ended = false;
  const ending = lease.end().then(() => {
    ended = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(false);
  answer.resolve();
  await ending;
});

it('stops the work of a job that was canceled although it reports nothing', async () => {
  const { work, begun } = endlessWork();
  const bench = await setup(services(), { work });
  const running = runJob({ ...bench.services, leaseSeconds: 1 }, await bench.take(), () => {});
  await begun;
  const canceled = await bench.jobs.end(bench.id, 'canceled', new Date());
  expect(await running).toMatchObject({ result: 'lost' });
  expect(await bench.row()).toEqual(canceled);
  expect(await bench.held()).toBe(0);
});
