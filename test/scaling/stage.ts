/** A stage whose workers exist as soon as they are ordered, for tests of the scaling function. */
import {
  type Decision,
  decideWorkers,
  type FleetView,
  type ScalingPolicy,
  type ScalingState,
} from '../../shared/scaling.ts';

export const MINUTE = 60_000;
export const NOON = Date.UTC(2026, 5, 1, 12);
export const MIDNIGHT = Date.UTC(2026, 5, 2);

export const idle: FleetView = { now: NOON, backlogSeconds: 0, openJobs: 0, desired: 0, running: 0 };

/** What the function decides, called once a step. */
export function play(
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
