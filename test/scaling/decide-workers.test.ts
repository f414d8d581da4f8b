import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Decision,
  decideWorkers,
  type FleetView,
  type ScalingPolicy,
  type ScalingState,
} from '../../shared/scaling.ts';

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 5, 1, 12);
const MIDNIGHT = Date.UTC(2026, 5, 2);

const policy: ScalingPolicy = {
  minWorkers: 0,
  maxWorkers: 10,
  targetSeconds: 60,
  graceSeconds: 300,
  maxGpuHoursPerDay: 0,
};
const idle: FleetView = { now: NOON, backlogSeconds: 0, openJobs: 0, desired: 0, running: 0 };
const busy = (backlogSeconds: number, more: Partial<FleetView> = {}): FleetView => ({
  ...idle,
  backlogSeconds,
  openJobs: 1000,
  ...more,
});

/** A stage whose workers exist as soon as they are ordered, called once a step. */
function play(
  steps: readonly Pick<FleetView, 'now' | 'backlogSeconds' | 'openJobs'>[],
  rules: ScalingPolicy,
): Decision[] {
  let state: ScalingState | undefined;
  let running = 0;
  return steps.map((step) => {
    const decision = decideWorkers({ ...step, desired: running, running }, state, rules);
    state = decision.state;
    running = decision.desired;
    return decision;
  });
}

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
  it('orders the backlog over the target, rounded up', () => {
    expect(decideWorkers(busy(121), undefined, policy)).toMatchObject({ desired: 3, reason: 'backlog' });
    expect(decideWorkers(busy(120), undefined, policy).desired).toBe(2);
    expect(decideWorkers(busy(1e9), undefined, policy)).toMatchObject({ desired: 10, reason: 'maximum' });
  });

  it('orders one worker for any open job, and no more workers than jobs', () => {
    expect(decideWorkers(busy(0, { openJobs: 1 }), undefined, policy).desired).toBe(1);
    expect(decideWorkers(busy(6000, { openJobs: 2 }), undefined, policy).desired).toBe(2);
    // A counter that drifted must not hold a fleet for nobody.
    expect(decideWorkers(busy(6000, { openJobs: 0 }), undefined, policy)).toMatchObject({
      desired: 0,
      reason: 'idle',
    });
  });

  it('keeps the minimum without work', () => {
    expect(decideWorkers(idle, undefined, { ...policy, minWorkers: 2 })).toMatchObject({
      desired: 2,
      reason: 'minimum',
    });
  });

  it('shrinks after the grace time, to the highest need within it', () => {
    const backlog = [600, 0, 180, 0, 0, 0, 0, 0, 0];
    const decisions = play(
      backlog.map((backlogSeconds, minute) => ({
        now: NOON + minute * MINUTE,
        backlogSeconds,
        openJobs: backlogSeconds,
      })),
      policy,
    );
    // Need 10 at minute 0 ends at minute 5; need 3 at minute 2 ends at minute 7.
    expect(decisions.map(({ desired }) => desired)).toEqual([10, 10, 10, 10, 10, 3, 3, 0, 0]);
    expect(decisions.map(({ reason }) => reason).slice(4, 8)).toEqual(['grace', 'grace', 'grace', 'idle']);
  });

  it('gives what runs a whole grace time when the state is lost or foreign', () => {
    const foreign = { day: 'yesterday', peaks: null } as unknown as ScalingState;
    for (const state of [undefined, foreign]) {
      const first = decideWorkers({ ...idle, desired: 4, running: 4 }, state, policy);
      expect(first).toMatchObject({ desired: 4, reason: 'grace', state: { usedSeconds: 0 } });
      const view = { ...idle, desired: 4, running: 4 };
      expect(decideWorkers({ ...view, now: NOON + 299_000 }, first.state, policy).desired).toBe(4);
      expect(decideWorkers({ ...view, now: NOON + 300_000 }, first.state, policy).desired).toBe(0);
    }
  });

  it('orders no more than the rest of the budget keeps for a target and a grace, then none until midnight', () => {
    // One worker hour, 360 s of target and grace a worker: 10 workers at first, although 16 are wanted.
    const guarded = { ...policy, maxWorkers: 50, maxGpuHoursPerDay: 1 };
    const minutes = Array.from({ length: 13 * 60 }, (_, minute) => ({
      now: NOON + minute * MINUTE,
      backlogSeconds: 960,
      openJobs: 100,
    }));
    const decisions = play(minutes, guarded);
    expect(decisions[0]).toMatchObject({ desired: 10, reason: 'budget' });
    expect(decisions.slice(1, 4).map(({ desired }) => desired)).toEqual([8, 6, 5]);
    const stopped = decisions.findIndex(({ desired }) => desired === 0);
    expect(decisions[stopped - 1]?.desired).toBe(1);
    expect(decisions[stopped]?.state.usedSeconds).toBe(3600);
    expect(decisions.slice(stopped, 720).every(({ desired }) => desired === 0)).toBe(true);
    expect(decisions[720]).toMatchObject({ desired: 10, reason: 'budget' });
  });

  it('counts only the part after midnight into the new day', () => {
    const before = decideWorkers(busy(60, { now: MIDNIGHT - 30_000, running: 2 }), undefined, policy);
    const after = decideWorkers(busy(60, { now: MIDNIGHT + 10_000, running: 2 }), before.state, policy);
    expect(after.state.usedSeconds).toBe(20);
  });

  it('adds nothing and clears nothing when the clock goes back, even over midnight', () => {
    const first = decideWorkers(busy(60, { now: MIDNIGHT + MINUTE, running: 3 }), undefined, policy);
    const second = decideWorkers(busy(60, { now: MIDNIGHT + 2 * MINUTE, running: 3 }), first.state, policy);
    const back = decideWorkers(busy(60, { now: MIDNIGHT - MINUTE, running: 3 }), second.state, policy);
    expect(back.state.usedSeconds).toBe(180);
    // A peak written by a clock an hour ahead holds for one grace time of the right clock.
    const ahead = decideWorkers(busy(600, { now: NOON + 60 * MINUTE }), undefined, policy);
    const now = decideWorkers(idle, ahead.state, policy);
    expect(now.desired).toBe(10);
    expect(decideWorkers({ ...idle, now: NOON + 5 * MINUTE }, now.state, policy).desired).toBe(0);
  });

  it('answers the same when it is called twice', () => {
    const view = busy(500, { running: 4, desired: 4 });
    const first = decideWorkers(view, undefined, policy);
    expect(decideWorkers(view, first.state, policy)).toEqual(first);
  });

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
    // A need that falls by one a second is the longest memory there can be.
    const falling = Array.from({ length: 250 }, (_, second) => ({
      now: NOON + second * 1000,
      backlogSeconds: (300 - second) * 60,
      openJobs: 1000,
    }));
    const decisions = play(falling, { ...policy, maxWorkers: 300 });
    expect(decisions.at(-1)?.state.peaks.length).toBe(60);
    expect(decisions.at(-1)?.desired).toBe(300);
  });
});
