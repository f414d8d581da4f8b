/** What a queued job is told: its place, its time, and what the fleet is doing about it. */
import { expect, it } from 'vitest';
import { queueView } from '../../functions/jobs/queue-view.ts';
import { type FleetRecord, WORKER_SILENT_MS, type WorkerState } from '../../shared/fleet.ts';
import { queuedJob } from '../job/services.ts';
import { freshFleet } from './fleet-rows.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');
const START_SECONDS = 120;

async function setup() {
  const stores = await freshFleet();
  let revision = 0;
  return {
    ...stores,
    view: queueView({ ...stores, startSeconds: START_SECONDS }, () => new Date(NOW)),
    /** A job that came `age` seconds ago. */
    add: async (age: number, work_seconds = 10) => {
      const job = queuedJob({ work_seconds }, new Date(NOW - age * 1000));
      await stores.jobs.create(job);
      await stores.jobs.markEnqueued(job, new Date(NOW - age * 1000));
      return (await stores.jobs.get(job.id)) ?? job;
    },
    worker: (id: string, state: WorkerState, silentMs = 0) =>
      stores.fleet.beat({
        id,
        state,
        device: 'cuda',
        busy: 0,
        places: 4,
        models: [],
        started_at: new Date(NOW).toISOString(),
        seen_at: new Date(NOW - silentMs).toISOString(),
      }),
    fleetIs: (changes: Partial<FleetRecord>) =>
      stores.fleet.record(
        {
          desired: 1,
          running: 0,
          backlog_seconds: 0,
          open_jobs: 1,
          reason: 'backlog',
          updated_at: new Date(NOW).toISOString(),
          ...changes,
        },
        revision++,
      ),
  };
}

it('counts the jobs that came before, and the work of those that run', async () => {
  const { view, add, worker, jobs } = await setup();
  const running = await add(50, 40);
  await jobs.claim(running.id, 'w', new Date(NOW), NOW + 30_000);
  const first = await add(30);
  const second = await add(20);
  await add(10);
  await worker('a', 'ready');
  await worker('b', 'ready');
  expect(await view(first)).toEqual({ phase: 'in line', position: 1, eta_seconds: 25 });
  expect(await view(second)).toEqual({ phase: 'in line', position: 2, eta_seconds: 30 });
});

it('says nothing to a job that does not wait', async () => {
  const { view, add, jobs } = await setup();
  const { id } = await add(5);
  const claimed = await jobs.claim(id, 'w', new Date(NOW), NOW + 30_000);
  expect(claimed.kind === 'claimed' && (await view(claimed.job))).toBeUndefined();
});

it('tells a worker that starts from one that loads its models, and adds the start to the time', async () => {
  const { view, add, worker, fleetIs } = await setup();
  const job = await add(1);
  await fleetIs({ desired: 1 });
  expect(await view(job)).toEqual({ phase: 'starting worker', position: 1, eta_seconds: START_SECONDS + 10 });
  await worker('a', 'loading');
  expect(await view(job)).toMatchObject({ phase: 'loading model', eta_seconds: 10 });
});

it('does not count on a worker that has gone silent', async () => {
  const { view, add, worker } = await setup();
  const job = await add(1);
  await worker('a', 'ready', WORKER_SILENT_MS + 1);
  expect(await view(job)).toEqual({
    phase: 'waiting for capacity',
    position: 1,
    detail: 'No worker is running.',
  });
});

it('tells what the cloud said, and of a budget that is used up', async () => {
  const { view, add, fleetIs } = await setup();
  const job = await add(1);
  const capacity_error = {
    code: 'InsufficientInstanceCapacity',
    message: 'no g5 here',
    at: new Date(NOW).toISOString(),
  };
  await fleetIs({ capacity_error });
  expect(await view(job)).toMatchObject({
    phase: 'waiting for capacity',
    detail: 'InsufficientInstanceCapacity: no g5 here',
  });
  await fleetIs({ desired: 0, reason: 'budget' });
  const told = await view(job);
  expect(told).toMatchObject({ phase: 'waiting for capacity', detail: expect.stringContaining('00:00 UTC') });
  expect(told).not.toHaveProperty('eta_seconds');
});

it('says "at least" where more stands before a job than is worth counting', async () => {
  const { view, jobs, worker } = await setup();
  await worker('a', 'ready');
  const before = Array.from({ length: 2_100 }, (_, index) =>
    queuedJob({ work_seconds: 1 }, new Date(NOW - 60_000 + index)),
  );
  for (let start = 0; start < before.length; start += 100) {
    await Promise.all(before.slice(start, start + 100).map((job) => jobs.create(job)));
  }
  const mine = queuedJob({ work_seconds: 1 }, new Date(NOW));
  await jobs.create(mine);
  const told = await view(mine);
  expect(told).toMatchObject({ phase: 'in line', position_is_minimum: true });
  expect(told?.position).toBeGreaterThan(1_900);
  expect(told).not.toHaveProperty('eta_seconds');
});
