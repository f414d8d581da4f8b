/** The simulator against paper: one small trace worked out by hand, and queueing theory where it has an answer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobQueue } from '../../simulate/job-queue.ts';
import { alwaysOn } from '../../simulate/policies/always-on.ts';
import { outboard } from '../../simulate/policies/outboard.ts';
import { Random } from '../../simulate/random.ts';
import { type SimulationOptions, simulate } from '../../simulate/simulation.ts';
import { type Arrival, traces } from '../../simulate/traces.ts';

const options: SimulationOptions = {
  seed: 1,
  startupSeconds: [100, 100],
  releaseSeconds: 60,
  interruptionsPerHour: 0,
  horizonSeconds: 900,
  predictionSigma: 0,
  wakeSeconds: 1,
  pricePerHour: 3.6,
};
const rules = { minWorkers: 0, maxWorkers: 2, targetSeconds: 10, graceSeconds: 120, maxGpuHoursPerDay: 0 };

describe('the simulator', () => {
  it('agrees with four jobs worked out by hand', () => {
    const jobs: Arrival[] = [
      { at: 10, work: 20 },
      { at: 15, work: 8 },
      { at: 200, work: 5 },
      { at: 500, work: 30 },
    ];
    const seen: number[][] = [];
    const outcome = simulate(jobs, outboard(rules), options, {
      job: (arrivedAt, startedAt, endedAt) => seen.push([arrivedAt, startedAt, endedAt]),
    });
    // At 10 the fleet is at zero, so the function is called at 11: 20 s / 10 s = 2, but one job: worker A, ready at 111.
    // At 60 two jobs with 28 s are open: 28 / 10 = 3 rounded up, but two jobs: worker B, ready at 160.
    // A takes the first job at 111 and the second at 111 + 20 = 131, done at 139. At 120 both are open: need 2.
    // At 200 a worker is idle: the third job starts at once, done at 205, between two calls.
    // At 240 the need of 2 at 120 is 120 s old: A and B stop, and are paid until 240 + 60 = 300.
    // At 500 the fleet is at zero again: worker C at 501, ready at 601, done at 631. At 600 the need was 1, so C stops at
    // 720 and is paid until 780.
    expect(seen).toEqual([
      [10, 111, 131],
      [15, 131, 139],
      [200, 200, 205],
      [500, 601, 631],
    ]);
    // Waits to the start: 101, 116, 0, 101; to the end: 121, 124, 5, 131.
    expect(outcome.toStart).toEqual({ mean: 79.5, p50: 101, p99: 116, max: 116 });
    expect(outcome.toEnd).toEqual({ mean: 95.25, p50: 121, p99: 131, max: 131 });
    // Paid: A 300 - 11 = 289, B 300 - 60 = 240, C 780 - 501 = 279, together 808 s, at 3.6 dollars an hour 0.808.
    expect(outcome.gpuHours * 3600).toBeCloseTo(808, 9);
    expect(outcome.cost).toBeCloseTo(0.808, 9);
    // Busy: 20 + 8 + 5 + 30 = 63 s.
    expect(outcome.busyShare).toBeCloseTo(63 / 808, 9);
    expect(outcome).toMatchObject({ policy: 'outboard', jobs: 4, wakeUps: 2, maxWorkers: 2 });
  });

  it('stops a worker on its way first, and a busy one only when its job is done', () => {
    // Two workers at 0, one of them busy from 0 to 200; a third is ordered at 60, none at 120.
    const orders = [2, 3, 0];
    const policy = { ...alwaysOn(2, ''), decide: () => orders.shift() ?? 0 };
    const outcome = simulate([{ at: 0, work: 200 }], policy, { ...options, horizonSeconds: 600 });
    // Busy one: 200 + 60. Idle one: 120 + 60. The third: 60 to 120, + 60.
    expect(outcome.gpuHours * 3600).toBeCloseTo(260 + 180 + 120, 9);
  });

  it('waits as Erlang C says with exponential work and fixed workers', () => {
    const [gaps, work] = [new Random(2, 1), new Random(2, 2)];
    function* arrivals(): Generator<Arrival> {
      for (let at = gaps.exponential(1); at < 2_000_000; at += gaps.exponential(1)) {
        yield { at, work: work.exponential(4) };
      }
    }
    const [servers, offered] = [5, 4];
    const { toStart } = simulate(arrivals(), alwaysOn(servers, ''), { ...options, horizonSeconds: 0 });
    // C(5, 4) by its formula, then Wq = C / (c mu - lambda) with mu = 1/4 and lambda = 1.
    let term = 1;
    let sum = 1;
    for (let n = 1; n < servers; n++) sum += term *= offered / n;
    const waiting = ((term * offered) / servers) * (servers / (servers - offered));
    const erlangC = waiting / (sum + waiting);
    expect(erlangC).toBeCloseTo(0.5541, 4);
    expect(Math.abs(toStart.mean / (erlangC / (servers / 4 - 1)) - 1)).toBeLessThan(0.03);
  });

  it('waits as Pollaczek and Khinchine say with constant work and one worker', () => {
    const trace = { seed: 3, jobsPerDay: 0.7 * 86_400, days: 6, workSeconds: 1, workSigma: 0 };
    const { toStart } = simulate(traces.poisson(trace), alwaysOn(1, ''), options);
    // M/D/1: rho / (2 (1 - rho)) times the work.
    expect(Math.abs(toStart.mean / (0.7 / (2 * 0.3)) - 1)).toBeLessThan(0.03);
  });

  it('finishes every job once and in order, and pays for all its work, whatever comes', () => {
    const jobs = fc
      .array(
        fc.record({
          gap: fc.double({ min: 0, max: 400, noNaN: true }),
          work: fc.integer({ min: 1, max: 300 }),
        }),
        {
          minLength: 1,
          maxLength: 60,
        },
      )
      .map((gaps) => {
        let at = 0;
        return gaps.map(({ gap, work }) => {
          at += gap;
          return { at, work };
        });
      });
    const bounds = fc.record({
      maxWorkers: fc.integer({ min: 1, max: 6 }),
      minWorkers: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(jobs, bounds, (arrivals, { maxWorkers, minWorkers }) => {
        const starts: [number, number][] = [];
        const policy = outboard({ ...rules, maxWorkers, minWorkers: Math.min(minWorkers, maxWorkers) });
        const outcome = simulate(arrivals, policy, options, {
          job: (arrivedAt, startedAt) => starts.push([arrivedAt, startedAt]),
        });
        expect(outcome.jobs).toBe(arrivals.length);
        starts.sort(([a, startA], [b, startB]) => a - b || startA - startB);
        const started = starts.map(([, startedAt]) => startedAt);
        expect(started).toEqual(started.toSorted((a, b) => a - b));
        expect(outcome.maxWorkers).toBeLessThanOrEqual(maxWorkers);
        const work = arrivals.reduce((sum, job) => sum + job.work, 0);
        expect(outcome.gpuHours * 3600 * outcome.busyShare).toBeCloseTo(work, 6);
        expect(outcome.busyShare).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });

  it('runs interrupted jobs again until they are done', () => {
    const trace = { seed: 2, jobsPerDay: 5000, days: 1, workSeconds: 60, workSigma: 0.5 };
    const calm = { ...options, horizonSeconds: 86_400 };
    const policy = () => outboard({ ...rules, targetSeconds: 120, maxWorkers: 50 });
    const without = simulate(traces.poisson(trace), policy(), calm);
    const withSpot = simulate(traces.poisson(trace), policy(), { ...calm, interruptionsPerHour: 2 });
    expect(withSpot.jobs).toBe(without.jobs);
    expect(withSpot.toEnd.mean).toBeGreaterThan(without.toEnd.mean);
    // The thrown-away halves are busy time as well.
    expect(withSpot.busyShare * withSpot.gpuHours).toBeGreaterThan(without.busyShare * without.gpuHours);
  });

  it('ends a day within its budget', () => {
    const trace = { seed: 4, jobsPerDay: 30_000, days: 1, workSeconds: 3, workSigma: 0.8 };
    let paidSeconds = 0;
    let most = 0;
    const guarded = { ...rules, targetSeconds: 120, maxWorkers: 50, maxGpuHoursPerDay: 6 };
    simulate(
      traces.day(trace),
      outboard(guarded),
      { ...options, horizonSeconds: 86_400 },
      {
        minute: ({ now, paid }) => {
          if (now >= 86_400) return;
          paidSeconds += paid * 60;
          if (paidSeconds > 5 * 3600) most = Math.max(most, paid);
        },
      },
    );
    // The work alone takes 25 hours. At the end some workers are left, paid for one call and their release.
    expect(paidSeconds).toBeGreaterThan(5.8 * 3600);
    expect(paidSeconds).toBeLessThan(6 * 3600 + most * (60 + options.releaseSeconds));
  });

  it('gives the same for the same seed', () => {
    const run = (seed: number) => {
      const trace = { seed, jobsPerDay: 2000, days: 1, workSeconds: 3, workSigma: 0.8 };
      return simulate(traces.bursty(trace), outboard(rules), { ...options, seed, horizonSeconds: 86_400 });
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });
});

describe('the line of jobs', () => {
  it('is first in first out, also when it grows in the middle of its ring', () => {
    const steps = fc.array(fc.constantFrom('in', 'in', 'out', 'back'), { minLength: 3000, maxLength: 6000 });
    fc.assert(
      fc.property(steps, (operations) => {
        const queue = new JobQueue();
        const job = { arrivedAt: -1, work: 0, predicted: 0 };
        const model: number[] = [];
        operations.forEach((operation, number) => {
          if (operation === 'in') {
            queue.push(number, 2 * number, 3 * number);
            model.push(number);
          } else if (operation === 'out' && model.length > 0) {
            queue.shiftInto(job);
            expect(job.arrivedAt).toBe(model.shift());
            expect(job).toMatchObject({ work: 2 * job.arrivedAt, predicted: 3 * job.arrivedAt });
          } else if (operation === 'back') {
            queue.putBack({ arrivedAt: number, work: 2 * number, predicted: 3 * number });
            model.unshift(number);
          }
        });
        expect(queue.length).toBe(model.length);
      }),
      { numRuns: 10 },
    );
  });
});
