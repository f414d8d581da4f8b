/** The policies that outboard is compared with do what AWS says of them, and traces hold what they promise. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csvTrace } from '../../simulate/csv-trace.ts';
import { atEqualCost } from '../../simulate/equal-cost.ts';
import type { Policy, Sight } from '../../simulate/policies/policy.ts';
import { stepScaling } from '../../simulate/policies/step-scaling.ts';
import { targetTracking } from '../../simulate/policies/target-tracking.ts';
import type { Outcome } from '../../simulate/simulation.ts';
import { traces } from '../../simulate/traces.ts';
import { Waits } from '../../simulate/waits.ts';

/** Visible messages minute by minute, to orders; ordered workers are ready at once. */
function orders(policy: Policy, visible: readonly number[]): number[] {
  let desired = policy.initial;
  return visible.map((messages, minute) => {
    const sight: Sight = {
      now: 60 * minute,
      visible: messages,
      openJobs: messages,
      backlogSeconds: messages,
      desired,
      ready: desired,
      paid: desired,
    };
    desired = policy.decide(sight);
    return desired;
  });
}

const repeat = (value: number, times: number): number[] => Array.from({ length: times }, () => value);

describe('target tracking', () => {
  const options = { messagesPerWorker: 10, minWorkers: 0, maxWorkers: 20 };

  it('goes out in proportion after three datapoints, and never under one worker', () => {
    expect(orders(targetTracking(options), [55, 55, 55, 20, 999, 999, 999])).toEqual([1, 1, 6, 6, 6, 6, 20]);
    expect(orders(targetTracking(options), repeat(0, 40)).at(-1)).toBe(1);
  });

  it('comes in after fifteen datapoints that are a tenth below the target', () => {
    const out = repeat(100, 3);
    expect(orders(targetTracking(options), [...out, ...repeat(50, 15)]).slice(-2)).toEqual([10, 5]);
    // 95 messages on ten workers are within the tenth.
    expect(orders(targetTracking(options), [...out, ...repeat(95, 30)]).at(-1)).toBe(10);
  });
});

describe('step scaling', () => {
  it('adds by steps with a cooldown, and takes a quarter away after five empty minutes', () => {
    const policy = () => stepScaling({ minWorkers: 0, maxWorkers: 30 });
    expect(orders(policy(), [1, 1, 200, 200, 5000, 5000, 5000])).toEqual([1, 1, 5, 5, 15, 15, 30]);
    const visible = [5000, 0, 0, 0, 0, 0, 0, 0];
    expect(orders(policy(), visible)).toEqual([10, 10, 10, 10, 10, 8, 6, 5]);
  });
});

describe('equal cost', () => {
  it('finds the parameter with the cost, or the cheapest end', () => {
    const run = (parameter: number): Outcome => ({ cost: 100 / parameter + 10 }) as Outcome;
    expect(atEqualCost(run, 20, [0.1, 1e4]).parameter).toBeCloseTo(10, 0);
    expect(atEqualCost(run, 5, [0.1, 1e4]).parameter).toBe(1e4);
  });
});

describe('traces', () => {
  it.each(Object.entries(traces))(
    '%s has rising times, about as many jobs and the mean work',
    (_name, trace) => {
      const options = { seed: 1, jobsPerDay: 20_000, days: 20, workSeconds: 3, workSigma: 0.8 };
      let [count, work, last] = [0, 0, 0];
      let rising = true;
      for (const job of trace(options)) {
        rising &&= job.at >= last;
        [count, work, last] = [count + 1, work + job.work, job.at];
      }
      expect(rising).toBe(true);
      expect(last).toBeLessThan(20 * 86_400);
      expect(count / 400_000).toBeGreaterThan(0.85);
      expect(count / 400_000).toBeLessThan(1.15);
      expect(Math.abs(work / count / 3 - 1)).toBeLessThan(0.02);
    },
  );
});

describe('a CSV trace', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'outboard-trace-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const read = (text: string) => {
    const file = path.join(folder, 'trace.csv');
    writeFileSync(file, text);
    return [...csvTrace(file)];
  };

  it('is read with a header and without', () => {
    const expected = [
      { at: 0, work: 2 },
      { at: 1.5, work: 0.25 },
    ];
    expect(read('time_s,work_s\n0,2\r\n1.5,0.25\n\n')).toEqual(expected);
    expect(read('0,2\n1.5,0.25')).toEqual(expected);
    expect(read('0,1\n'.repeat(40_000)).length).toBe(40_000);
  });

  it.each([
    ['1,2,3', 'not two columns'],
    ['1', 'not two columns'],
    ['1,', 'work above 0'],
    ['-1,2', 'time of at least 0'],
    ['1,0', 'work above 0'],
    ['5,1\n4,1', 'line 2: earlier'],
  ])('of %j is refused with the line', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('waits', () => {
  it('gives quantiles by nearest rank', () => {
    const waits = new Waits();
    for (let value = 200; value >= 1; value--) waits.add(value);
    expect(waits.summary()).toEqual({ mean: 100.5, p50: 100, p99: 198, max: 200 });
  });
});
