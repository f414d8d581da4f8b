/** The scaling function against a real table: what it orders, what it writes down, and what it does not fall for. */
import { expect, it } from 'vitest';
import { scale } from '../../functions/scale.ts';
import type { Capacity } from '../../shared/aws/fleet-capacity.ts';
import type { Job } from '../../shared/job.ts';
import type { ScalingPolicy } from '../../shared/scaling.ts';
import { queuedJob, silent } from '../job/services.ts';
import { freshFleet } from './fleet-rows.ts';

const policy: ScalingPolicy = {
  minWorkers: 0,
  maxWorkers: 10,
  targetSeconds: 60,
  graceSeconds: 120,
  maxGpuHoursPerDay: 0,
};
const MORNING = Date.parse('2026-03-02T08:00:00Z');
const MINUTE = 60_000;

/** Machines that come at once; what was ordered is remembered. */
class Machines {
  desired = 0;
  running = 0;
  error: Capacity['error'];
  readonly orders: number[] = [];
  readonly released: number[] = [];
  async describe(): Promise<Capacity> {
    const { desired, running, error } = this;
    return { desired, running, ...(error === undefined ? {} : { error }) };
  }
  async releaseEmpty(wanted: number): Promise<number> {
    this.released.push(wanted);
    this.running = wanted;
    return 0;
  }
  async order(workers: number): Promise<void> {
    this.orders.push(workers);
    this.desired = workers;
    // A machine comes at once here and stays until it is let go.
    this.running = Math.max(this.running, workers);
  }
}

async function setup(changes: Partial<ScalingPolicy> = {}) {
  const stores = await freshFleet();
  const capacity = new Machines();
  const clock = { now: MORNING };
  const logged: Record<string, unknown>[] = [];
  const log = { ...silent, info: (fields: unknown) => void logged.push(fields as Record<string, unknown>) };
  const services = { ...stores, capacity, policy: { ...policy, ...changes }, stage: 'test', log };
  return {
    ...stores,
    capacity,
    clock,
    logged,
    services,
    run: scale(services, () => new Date(clock.now), 0),
    add: async (work_seconds: number, changes: Partial<Job> = {}) => {
      const job = queuedJob({ work_seconds, ...changes });
      await stores.jobs.create(job);
      return job;
    },
  };
}

it('orders as many workers as work the backlog off in time, and writes down what it saw', async () => {
  const { run, add, capacity, fleet, logged } = await setup();
  for (let job = 0; job < 7; job += 1) await add(30);
  // 210 s of work within 60 s: four workers.
  expect(await run({})).toMatchObject({ desired: 4, reason: 'backlog' });
  expect(capacity.orders).toEqual([4]);
  expect(await fleet.read()).toMatchObject({ desired: 4, backlog_seconds: 210, open_jobs: 7, revision: 1 });
  expect(logged.at(-1)).toMatchObject({ Stage: 'test', BacklogSeconds: 210, OpenJobs: 7, DesiredWorkers: 4 });
});

it('publishes nothing while nothing happens: a metric costs by the hour it has data', async () => {
  const { run, logged } = await setup();
  await run({});
  await run({});
  expect(logged).toEqual([]);
});

it('counts jobs that run, and forgets those that are over', async () => {
  const { run, add, jobs } = await setup();
  const { id } = await add(100);
  const other = await add(100);
  await jobs.claim(id, 'w', new Date(MORNING), MORNING + 30_000);
  expect(await run({})).toMatchObject({ desired: 2 });
  await jobs.end(other.id, 'canceled', new Date(MORNING));
  await jobs.succeed({ id, fence: 1 }, { files: {}, facts: {} }, {}, new Date(MORNING));
  expect((await run({})).reason).toBe('grace');
});

it('believes the submit that wakes it, where the index does not have the job yet', async () => {
  const { run, capacity } = await setup();
  expect(await run({ wake_seconds: 3 })).toMatchObject({ desired: 1 });
  expect(capacity.orders).toEqual([1]);
});

it('keeps workers for the grace time and then lets them go', async () => {
  const { run, add, jobs, capacity, clock } = await setup();
  const { id } = await add(10);
  await run({});
  await jobs.end(id, 'canceled', new Date(clock.now));
  clock.now += MINUTE;
  expect(await run({})).toMatchObject({ desired: 1, reason: 'grace' });
  clock.now += 2 * MINUTE;
  expect(await run({})).toMatchObject({ desired: 0, reason: 'idle' });
  expect(capacity.orders).toEqual([1, 0]);
  expect(capacity.released).toEqual([0]);
});

it('looks again after it went to zero: a job taken in that moment woke nobody', async () => {
  const { services, add, jobs, capacity, clock, index } = await setup();
  const { id } = await add(10);
  const clockNow = () => new Date(clock.now);
  await scale(services, clockNow, 0)({});
  await jobs.end(id, 'canceled', new Date(clock.now));
  clock.now += 5 * MINUTE;
  let looks = 0;
  const late = {
    openWork: async () => {
      looks += 1;
      const work = await index.openWork();
      // Its function saw a worker ordered, and its row comes right after the look.
      if (looks === 1) await add(5);
      return work;
    },
  };
  expect(await scale({ ...services, index: late }, clockNow, 0)({})).toMatchObject({ desired: 1 });
  expect(capacity.orders).toEqual([1, 0, 1]);
});

it('is decided by one where several are called at once', async () => {
  const { run, add, fleet, capacity } = await setup();
  for (let job = 0; job < 3; job += 1) await add(60);
  await Promise.all(Array.from({ length: 4 }, () => run({})));
  expect(new Set(capacity.orders)).toEqual(new Set([3]));
  expect(await fleet.read()).toMatchObject({ revision: 4, desired: 3 });
});

it('stops at the budget of the day, says so, and starts anew at midnight', async () => {
  const { run, add, capacity, clock, fleet, logged } = await setup({ maxGpuHoursPerDay: 1, maxWorkers: 1 });
  await add(100_000);
  await run({});
  clock.now += 30 * MINUTE;
  expect(await run({})).toMatchObject({ desired: 1 });
  clock.now += 30 * MINUTE;
  expect(await run({})).toMatchObject({ desired: 0, reason: 'budget' });
  expect(await fleet.read()).toMatchObject({ reason: 'budget', desired: 0 });
  expect(logged.at(-1)).toMatchObject({ BudgetExhausted: 1, GpuHoursToday: 1 });
  clock.now += MINUTE;
  expect(await run({ wake_seconds: 1 })).toMatchObject({ desired: 0 });
  clock.now = Date.parse('2026-03-03T00:00:30Z');
  expect(await run({})).toMatchObject({ desired: 1 });
  expect(capacity.orders).toEqual([1, 0, 1]);
});

it('keeps what the cloud said when it gave no machine, until it gives one', async () => {
  const { run, add, capacity, fleet, logged } = await setup();
  await add(10);
  capacity.error = {
    code: 'VcpuLimitExceeded',
    message: 'You have requested more vCPU …',
    at: new Date(MORNING).toISOString(),
  };
  await run({});
  expect(await fleet.read()).toMatchObject({ capacity_error: { code: 'VcpuLimitExceeded' } });
  expect(logged.at(-1)).toMatchObject({ CapacityErrors: 1 });
  capacity.error = undefined;
  await run({});
  expect(await fleet.read()).not.toHaveProperty('capacity_error');
});

it('orders again what the cloud did not take the first time', async () => {
  const { services, add, capacity, clock } = await setup();
  await add(10);
  const broken = {
    describe: () => capacity.describe(),
    releaseEmpty: async () => 0,
    order: () => Promise.reject(new Error('throttled')),
  };
  const clockNow = () => new Date(clock.now);
  await expect(scale({ ...services, capacity: broken }, clockNow, 0)({})).rejects.toThrow('throttled');
  expect(await scale(services, clockNow, 0)({})).toMatchObject({ desired: 1 });
  expect(capacity.orders).toEqual([1]);
});

it('orders nothing where workers are started by other means, and still tells the backlog', async () => {
  const { services, add, clock, fleet } = await setup();
  await add(90);
  const now = new Date(clock.now);
  const worker = {
    device: 'cpu',
    busy: 0,
    places: 4,
    models: [],
    started_at: now.toISOString(),
    seen_at: now.toISOString(),
  };
  await fleet.beat({ ...worker, id: 'a', state: 'ready' });
  await scale({ ...services, capacity: undefined }, () => now, 0)({});
  expect(await fleet.read()).toMatchObject({ desired: 1, running: 1, backlog_seconds: 90 });
});
