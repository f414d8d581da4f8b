import { describe, expect, it } from 'vitest';
import {
  decideWorkers,
  type FleetView,
  type ScalingPolicy,
  type ScalingState,
} from '../../shared/scaling.ts';
import { idle, MIDNIGHT, MINUTE, NOON, play } from './stage.ts';

const policy: ScalingPolicy = {
  minWorkers: 0,
  maxWorkers: 10,
  targetSeconds: 60,
  graceSeconds: 300,
  maxGpuHoursPerDay: 0,
};
const busy = (backlogSeconds: number, more: Partial<FleetView> = {}): FleetView => ({
  ...idle,
  backlogSeconds,
  openJobs: 1000,
  ...more,
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
    const states = [
      undefined,
      { day: 'yesterday' },
      { day: 1, usedSeconds: 1, at: 1, running: 1, peaks: null },
    ];
    for (const foreign of states) {
      const state = foreign as unknown as ScalingState | undefined;
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
});
