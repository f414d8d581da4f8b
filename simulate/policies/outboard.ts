/** The function that runs in a stage (shared/scaling.ts), with its memory. */
import { decideWorkers, type ScalingPolicy, type ScalingState } from '../../shared/scaling.ts';
import type { Policy } from './policy.ts';

export function outboard(rules: ScalingPolicy, name = 'outboard'): Policy {
  let state: ScalingState | undefined;
  return {
    name,
    initial: rules.minWorkers,
    wakes: true,
    decide({ now, backlogSeconds, openJobs, desired, paid }) {
      const view = { now: now * 1000, backlogSeconds, openJobs, desired, running: paid };
      const decision = decideWorkers(view, state, rules);
      state = decision.state;
      return decision.desired;
    },
  };
}
