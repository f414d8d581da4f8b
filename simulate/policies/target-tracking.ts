/**
 * Target tracking on messages per worker, as AWS describes it for SQS:
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html (metric and target) and
 * https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html (out in
 * proportion, in only when the metric is more than 10 % below the target). The two alarms that AWS makes for such a
 * policy look at 3 and at 15 datapoints of a minute. In favour of AWS: datapoints are exact and never late, there is no
 * cooldown, and workers on their way are not ordered twice.
 */
import type { Policy } from './policy.ts';

const OUT_DATAPOINTS = 3;
const IN_DATAPOINTS = 15;
const IN_MARGIN = 0.9;

export interface TrackingOptions {
  /** Target value: visible messages per worker. */
  readonly messagesPerWorker: number;
  /** At least 1: with no worker there is no metric per worker, and the policy cannot leave zero. */
  readonly minWorkers: number;
  readonly maxWorkers: number;
}

export function targetTracking(options: TrackingOptions, name = 'target tracking'): Policy {
  const min = Math.max(1, options.minWorkers);
  let above = 0;
  let below = 0;
  return {
    name,
    initial: min,
    wakes: false,
    decide({ visible, ready, desired }) {
      const metric = visible / Math.max(1, ready);
      above = metric > options.messagesPerWorker ? above + 1 : 0;
      below = metric < options.messagesPerWorker * IN_MARGIN ? below + 1 : 0;
      // ready × metric / target.
      const proportional = Math.ceil(visible / options.messagesPerWorker);
      const wanted = Math.min(options.maxWorkers, Math.max(min, proportional));
      if (above >= OUT_DATAPOINTS) return Math.max(desired, wanted);
      if (below >= IN_DATAPOINTS) return Math.min(desired, wanted);
      return desired;
    },
  };
}
