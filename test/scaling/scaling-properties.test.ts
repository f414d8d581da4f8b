import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideWorkers, type ScalingPolicy } from '../../shared/scaling.ts';
import { idle, MIDNIGHT, MINUTE, NOON, play } from './stage.ts';

const policies: fc.Arbitrary<ScalingPolicy> = fc.record({
  minWorkers: fc.integer({ min: 0, max: 5 }),
  maxWorkers: fc.integer({ min: 0, max: 40 }),
  targetSeconds: fc.integer({ min: 1, max: 600 }),
  graceSeconds: fc.integer({ min: 0, max: 1200 }),
  maxGpuHoursPerDay: fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 50, noNaN: true })),
});

/** Calls of a few hours, most a minute apart, across midnight. */
const histories = fc
  .array(
    fc.record({
      after: fc.oneof(fc.constant(MINUTE), fc.integer({ min: 0, max: 10 * MINUTE })),
      backlogSeconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 20_000, noNaN: true })),
      openJobs: fc.integer({ min: 0, max: 60 }),
    }),
    { minLength: 1, maxLength: 150 },
  )
  .map((gaps) => {
    let now = MIDNIGHT - 90 * MINUTE;
    return gaps.map(({ after, ...seen }) => {
      now += after;
      return { now, ...seen };
    });
  });

describe('decideWorkers', () => {
  it('stays within all bounds, whatever it is given', () => {
    const odd = fc.oneof(fc.double(), fc.integer(), fc.constant(0));
    const views = fc.record({
      now: fc.integer({ min: 0, max: 2e13 }),
      backlogSeconds: odd,
      openJobs: odd,
      desired: fc.nat(100),
      running: fc.nat(100),
    });
    const states = fc.record({
      day: odd,
      usedSeconds: odd,
      at: odd,
      running: odd,
      peaks: fc.array(fc.record({ at: odd, workers: odd })),
    });
    fc.assert(
      fc.property(views, fc.option(states, { nil: undefined }), policies, (view, state, rules) => {
        const { desired, reason } = decideWorkers(view, state, rules);
        expect(Number.isInteger(desired)).toBe(true);
        expect(desired).toBeLessThanOrEqual(rules.maxWorkers);
        if (reason !== 'budget') {
          expect(desired).toBeGreaterThanOrEqual(Math.min(rules.minWorkers, rules.maxWorkers));
          if (view.openJobs >= 1 && rules.maxWorkers > 0) expect(desired).toBeGreaterThanOrEqual(1);
        }
      }),
    );
  });

  it('never orders fewer workers for a larger backlog', () => {
    fc.assert(
      fc.property(histories, policies, fc.double({ min: 0, max: 1e5, noNaN: true }), (steps, rules, more) => {
        const last = play(steps, rules).at(-1)?.state;
        const view = { ...idle, now: (last?.at ?? 0) + MINUTE, backlogSeconds: 100, openJobs: 30 };
        const less = decideWorkers(view, last, rules).desired;
        const greater = decideWorkers({ ...view, backlogSeconds: 100 + more }, last, rules).desired;
        expect(greater).toBeGreaterThanOrEqual(less);
      }),
    );
  });

  it('never shrinks below a need that is younger than the grace time', () => {
    fc.assert(
      fc.property(histories, policies, (steps, rules) => {
        const decisions = play(steps, { ...rules, maxGpuHoursPerDay: 0 });
        decisions.forEach(({ desired }, index) => {
          const now = steps[index]?.now ?? 0;
          const needs = steps
            .slice(0, index + 1)
            .filter((step, at) => at === index || now - step.now < rules.graceSeconds * 1000)
            .map(({ backlogSeconds, openJobs }) =>
              Math.min(openJobs, Math.max(1, Math.ceil(backlogSeconds / rules.targetSeconds))),
            );
          const highest = Math.max(...needs, rules.minWorkers);
          expect(desired).toBe(Math.min(highest, rules.maxWorkers));
        });
      }),
    );
  });

  it('never exceeds the budget by more than one call interval of the fleet', () => {
    fc.assert(
      fc.property(histories, policies, (steps, rules) => {
        fc.pre(rules.maxGpuHoursPerDay > 0);
        const decisions = play(steps, rules);
        const paid = new Map<number, number>();
        const allowed = rules.maxGpuHoursPerDay * 3600;
        decisions.slice(0, -1).forEach(({ desired }, index) => {
          const [from, to] = [steps[index]?.now ?? 0, steps[index + 1]?.now ?? 0];
          for (const [day, seconds] of [
            [0, Math.max(0, Math.min(to, MIDNIGHT) - from) / 1000],
            [1, Math.max(0, to - Math.max(from, MIDNIGHT)) / 1000],
          ] as const) {
            const before = paid.get(day) ?? 0;
            // Once it is used up nothing is ordered, so only the interval that crosses the line can exceed it.
            if (before > allowed + 1e-6 && seconds > 0) expect(desired).toBe(0);
            paid.set(day, before + desired * seconds);
          }
        });
      }),
    );
  });

  it('remembers in plain JSON of bounded size', () => {
    fc.assert(
      fc.property(histories, policies, (steps, rules) => {
        for (const { state } of play(steps, rules)) {
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
          expect(state.peaks.length).toBeLessThanOrEqual(60);
        }
      }),
    );
  });

  it('forgets no need within its grace when there are more of them than it remembers', () => {
    const needs = Array.from({ length: 700 }, (_, second) => Math.max(0, 290 - second));
    const policy = {
      minWorkers: 0,
      maxWorkers: 300,
      targetSeconds: 60,
      graceSeconds: 100,
      maxGpuHoursPerDay: 0,
    };
    const decisions = play(
      needs.map((need, second) => ({ now: NOON + second * 1000, backlogSeconds: need * 60, openJobs: need })),
      policy,
    );
    expect(Math.max(...decisions.map(({ state }) => state.peaks.length))).toBe(60);
    decisions.forEach(({ desired }, second) => {
      expect(desired).toBeGreaterThanOrEqual(needs[Math.max(0, second - 99)] ?? 0);
    });
    // Merged peaks are held longer, by less than another grace time.
    expect(decisions.at(-1)?.desired).toBe(0);
    expect(decisions[290 + 199]?.desired).toBe(0);
  });
});
