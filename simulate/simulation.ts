/**
 * One trace under one policy, with a virtual clock that jumps from event to event. Jobs wait in one line, first in first
 * out; the policy is called on each full minute, and one second after a submit that finds nothing ordered if it wakes.
 * At equal times: workers first, then submits, then the wake-up, then the minute.
 */
import { Fleet, type FleetOptions } from './fleet.ts';
import type { Policy, Sight } from './policies/policy.ts';
import { Random } from './random.ts';
import type { Arrival } from './traces.ts';
import { type WaitSummary, Waits } from './waits.ts';

export interface SimulationOptions extends FleetOptions {
  /** The bill runs at least that long, and until the last job is done. */
  readonly horizonSeconds: number;
  /** Standard deviation of the logarithm of predicted over real work. */
  readonly predictionSigma: number;
  /** From a submit that finds no worker ordered to the order, seconds. */
  readonly wakeSeconds: number;
  readonly pricePerHour: number;
}

export interface Outcome {
  readonly policy: string;
  readonly jobs: number;
  /** Seconds from the submit to the start of the run that finished the job. */
  readonly toStart: WaitSummary;
  /** Seconds from the submit to the end. */
  readonly toEnd: WaitSummary;
  readonly gpuHours: number;
  readonly cost: number;
  /** Share of the paid time in which a worker had a job. */
  readonly busyShare: number;
  /** Orders that found nothing ordered. */
  readonly wakeUps: number;
  readonly maxWorkers: number;
}

/** Looks on, for plots and tests. */
export interface Observer {
  /** What the policy saw on a full minute. */
  minute?(sight: Sight): void;
  job?(arrivedAt: number, startedAt: number, endedAt: number): void;
}

const MINUTE = 60;

export function simulate(
  arrivals: Iterable<Arrival>,
  policy: Policy,
  options: SimulationOptions,
  observer: Observer = {},
): Outcome {
  const [toStart, toEnd] = [new Waits(), new Waits()];
  const mistakes = new Random(options.seed, 21);
  let backlogSeconds = 0;
  let wakeUps = 0;
  const fleet = new Fleet(options, (job, startedAt, endedAt) => {
    toStart.add(startedAt - job.arrivedAt);
    toEnd.add(endedAt - job.arrivedAt);
    backlogSeconds -= job.predicted;
    observer.job?.(job.arrivedAt, startedAt, endedAt);
  });
  const openJobs = (): number => fleet.queue.length + fleet.busy;
  const decide = (now: number): Sight => {
    const sight = {
      now,
      visible: fleet.queue.length,
      openJobs: openJobs(),
      backlogSeconds,
      desired: fleet.desired,
      ready: fleet.ready,
      paid: fleet.paid,
    };
    const workers = policy.decide(sight);
    if (fleet.desired === 0 && workers > 0) wakeUps++;
    fleet.order(workers);
    return sight;
  };

  fleet.begin(policy.initial);
  const source = arrivals[Symbol.iterator]();
  let next = source.next();
  let minuteAt = 0;
  let wakeAt = Number.POSITIVE_INFINITY;
  let clock = 0;
  for (;;) {
    const arrivalAt = next.done ? Number.POSITIVE_INFINITY : next.value.at;
    const now = Math.min(fleet.nextEventAt, arrivalAt, wakeAt, minuteAt);
    if (next.done && openJobs() === 0 && now >= options.horizonSeconds) break;
    fleet.advance(now);
    clock = now;
    if (fleet.nextEventAt === now) fleet.step();
    else if (!next.done && arrivalAt === now) {
      const { work } = next.value;
      const predicted = mistakes.logNormal(work, options.predictionSigma);
      backlogSeconds += predicted;
      fleet.submit(now, work, predicted);
      if (policy.wakes && fleet.desired === 0) wakeAt = Math.min(wakeAt, now + options.wakeSeconds);
      next = source.next();
    } else if (wakeAt === now) {
      wakeAt = Number.POSITIVE_INFINITY;
      if (fleet.desired === 0) decide(now);
    } else {
      minuteAt += MINUTE;
      const sight = decide(now);
      observer.minute?.(sight);
    }
  }
  fleet.advance(Math.max(clock, options.horizonSeconds));
  const gpuHours = fleet.paidSeconds / 3600;
  return {
    policy: policy.name,
    jobs: toEnd.count,
    toStart: toStart.summary(),
    toEnd: toEnd.summary(),
    gpuHours,
    cost: gpuHours * options.pricePerHour,
    busyShare: fleet.busySeconds / fleet.paidSeconds,
    wakeUps,
    maxWorkers: fleet.peak,
  };
}
