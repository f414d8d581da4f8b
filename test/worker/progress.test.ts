/** Which reports reach the row, and what a report does that comes too late. */
import { setTimeout } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { Lease } from '../../gpu-worker/lease.ts';
import { Progress } from '../../gpu-worker/progress.ts';
import type { JobProgress } from '../../shared/job.ts';
import { silent, useServices } from '../job/services.ts';
import { setup as setupBench } from './setup.ts';

const services = useServices();

async function setup() {
  const { jobs, queue, id, row } = await setupBench(services());
  const until = Date.now() + 60_000;
  await jobs.claim(id, 'worker', new Date(), until);
  const claim = { id, fence: 1 };
  const lease = new Lease({ jobs, queue, claim, receipt: '', seconds: 60, log: silent }, until);
  await lease.end();
  const sent: JobProgress[] = [];
  const store = {
    note: jobs.note.bind(jobs),
    report: (of: typeof claim, progress: JobProgress) => {
      sent.push(progress);
      return jobs.report(of, progress);
    },
  };
  const progress = new Progress(store, lease);
  const tile = (completed: number, total = 1_000) =>
    progress.report({ phase: 'enlarging', completed, total, unit: 'tile' });
  return { jobs, id, row, lease, progress, tile, sent, claim };
}

it('writes a flood of reports as a few, and the latest of them gets there', async () => {
  const { tile, progress, sent, row } = await setup();
  const start = performance.now();
  for (let completed = 0; completed <= 1_000; completed += 1) tile(completed);
  await vi.waitFor(async () =>
    expect((await row())?.progress).toMatchObject({ completed: 1_000, total: 1_000 }),
  );
  await progress.settled();
  expect(sent.length).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - start) / 500));
});

it('does not hold back a tile that took its time', async () => {
  const { tile, progress, sent } = await setup();
  tile(1);
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  await setTimeout(600);
  tile(2);
  // Sooner than two reports may follow each other.
  await vi.waitFor(() => expect(sent).toHaveLength(2), { timeout: 400, interval: 10 });
  expect(sent).toMatchObject([{ completed: 1 }, { completed: 2 }]);
  await progress.settled();
});

it('writes nothing for a job that is over at once', async () => {
  const { tile, progress, sent, row } = await setup();
  tile(0);
  progress.report({ phase: 'encoding', completed: 0, total: 2, unit: 'step' });
  await progress.settled();
  expect(sent).toEqual([]);
  expect(await row()).not.toHaveProperty('progress');
});

it('writes at once what a job has to wait for, and the rest at its pace again', async () => {
  const { tile, progress, sent, row } = await setup();
  tile(0);
  progress.reportNow({ phase: 'loading model', completed: 0, total: 1, unit: 'step' });
  // Settling drops what still waits for its half second.
  await progress.settled();
  expect(sent).toMatchObject([{ phase: 'loading model' }]);
  expect(await row()).toMatchObject({ progress: { phase: 'loading model' } });
  for (let completed = 1; completed <= 100; completed += 1) tile(completed);
  await vi.waitFor(async () => expect((await row())?.progress).toMatchObject({ completed: 100 }));
  await progress.settled();
  expect(sent).toHaveLength(2);
});

it('never revives a job that ended, and stops its work', async () => {
  const { jobs, id, tile, progress, lease, row } = await setup();
  const ended = await jobs.end(id, 'expired', new Date());
  tile(1);
  await vi.waitFor(() => expect(lease.signal.aborted).toBe(true));
  await progress.settled();
  expect(await row()).toEqual(ended);
});

it('lets the work go on when a report cannot be written', async () => {
  const { lease, claim } = await setup();
  let tries = 0;
  const away = async () => {
    tries += 1;
    throw new Error('away');
  };
  const progress = new Progress({ report: away, note: away }, lease);
  progress.report({ phase: 'enlarging', completed: 1, total: 2, unit: 'tile' });
  await vi.waitFor(() => expect(tries).toBe(1));
  await progress.settled();
  expect(lease.signal.aborted).toBe(false);
  expect(lease.claim).toEqual(claim);
});
