/**
 * Step scaling on the length of the queue, as teams write it by hand: an alarm over one minute adds workers by how many
 * messages are visible, an alarm over five empty minutes takes a quarter away. Unlike target tracking it can leave zero
 * (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html).
 * Percentages and not counts, so that the same steps serve ten workers and a thousand.
 */
import type { Policy } from './policy.ts';

const STEPS = [
  { from: 1000, percent: 100, atLeast: 10 },
  { from: 100, percent: 50, atLeast: 4 },
  { from: 10, percent: 25, atLeast: 2 },
  { from: 1, percent: 10, atLeast: 1 },
] as const;
const OUT_COOLDOWN_SECONDS = 120;
const IN_DATAPOINTS = 5;
const IN_PERCENT = 25;
const IN_COOLDOWN_SECONDS = 60;

export interface StepOptions {
  readonly minWorkers: number;
  readonly maxWorkers: number;
}

export function stepScaling({ minWorkers, maxWorkers }: StepOptions, name = 'step scaling'): Policy {
  let empty = 0;
  let lastOut = Number.NEGATIVE_INFINITY;
  let lastIn = Number.NEGATIVE_INFINITY;
  return {
    name,
    initial: minWorkers,
    wakes: false,
    decide({ now, visible, desired }) {
      empty = visible === 0 ? empty + 1 : 0;
      const step = STEPS.find(({ from }) => visible >= from);
      if (step !== undefined && now - lastOut >= OUT_COOLDOWN_SECONDS) {
        lastOut = now;
        const added = Math.max(step.atLeast, Math.floor((desired * step.percent) / 100));
        return Math.min(maxWorkers, desired + added);
      }
      if (empty >= IN_DATAPOINTS && now - lastIn >= IN_COOLDOWN_SECONDS) {
        lastIn = now;
        return Math.max(minWorkers, desired - Math.max(1, Math.floor((desired * IN_PERCENT) / 100)));
      }
      return desired;
    },
  };
}
