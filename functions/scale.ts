/**
 * How many workers there should be: called every minute, by the submit that finds nobody there, and by an alarm. Sums up
 * the open work, asks the scaling function, orders, and writes down what it saw for jobs' status and the dashboard.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectFleet, connectJobs } from '../shared/aws/connect.ts';
import { connectCapacity } from '../shared/aws/connect-fleet.ts';
import type { Capacity, FleetCapacity } from '../shared/aws/fleet-capacity.ts';
import type { FleetStore } from '../shared/aws/fleet-store.ts';
import type { JobIndex, OpenWork } from '../shared/aws/job-index.ts';
import { metricFields } from '../shared/embedded-metrics.ts';
import { type FunctionsEnvironment, readFunctionsEnvironment } from '../shared/environment.ts';
import type { FleetRecord } from '../shared/fleet.ts';
import { createLogger, type Logger } from '../shared/log.ts';
import { type Decision, decideWorkers, type ScalingPolicy } from '../shared/scaling.ts';

/** A submit that looked at the fleet just before it went to zero has its row in the index by then. */
const LOOK_AGAIN_MS = 3_000;
/** Scalers that meet: the one that is told "another was faster" looks anew. */
const TRIES = 5;

/** What the submit path sends; the schedule and the alarm send other things, which mean nothing here. */
export interface ScaleEvent {
  /** Predicted work of the job that found nobody there: the index may not have it yet. */
  readonly wake_seconds?: number;
}

interface Services {
  readonly index: Pick<JobIndex, 'openWork'>;
  readonly fleet: Pick<FleetStore, 'read' | 'record' | 'workerStates'>;
  /** Undefined where workers are started by other means. */
  readonly capacity: Pick<FleetCapacity, 'describe' | 'order' | 'releaseEmpty'> | undefined;
  readonly policy: ScalingPolicy;
  readonly stage: string;
  readonly log: Logger;
}

export function scale(services: Services, clock: () => Date = () => new Date(), lookAgainMs = LOOK_AGAIN_MS) {
  return async (event: ScaleEvent): Promise<{ desired: number; reason: string }> => {
    const first = await decideOnce(services, event, clock);
    if (first.desired > 0 || first.desired === first.before) return first;
    // Going to zero. A submit that saw workers a moment ago wakes nobody, so the last look is after the order.
    await sleep(lookAgainMs);
    return decideOnce(services, {}, clock);
  };
}

async function decideOnce(services: Services, event: ScaleEvent, clock: () => Date) {
  for (let attempt = 1; ; attempt += 1) {
    const decided = await decide(services, event, clock());
    if (decided !== undefined) return decided;
    if (attempt === TRIES) throw new Error('Other scalers kept changing the record of the fleet.');
  }
}

/** @returns undefined where another scaler decided in the meantime */
async function decide(services: Services, event: ScaleEvent, now: Date) {
  const { index, fleet, capacity, policy } = services;
  const record = await fleet.read();
  const [work, seen] = await Promise.all([
    index.openWork(),
    capacity?.describe(now) ?? withoutCapacity(services, now),
  ]);
  const waking = typeof event.wake_seconds === 'number' && work.jobs === 0;
  const open = waking ? { ...work, jobs: 1, seconds: event.wake_seconds ?? 0 } : work;
  const view = {
    now: now.getTime(),
    backlogSeconds: open.seconds,
    openJobs: open.jobs,
    desired: seen.desired,
    running: seen.running,
  };
  const decision = decideWorkers(view, record?.scaling, policy);
  const ordered = capacity === undefined ? seen.desired : decision.desired;
  const written = await fleet.record(recordOf(decision, ordered, open, seen, now), record?.revision ?? 0);
  if (!written) return undefined;
  if (ordered !== seen.desired) await capacity?.order(ordered);
  if (seen.running > ordered) await capacity?.releaseEmpty(ordered);
  tell(services, decision, ordered, open, seen, now);
  return { desired: ordered, before: seen.desired, reason: decision.reason };
}

/** Workers that somebody else starts and stops: as many as there are is as many as are wanted. */
async function withoutCapacity({ fleet }: Services, now: Date): Promise<Capacity> {
  const { loading, ready, draining } = await fleet.workerStates(now);
  return { desired: loading + ready, running: loading + ready + draining };
}

function recordOf(
  decision: Decision,
  desired: number,
  open: OpenWork,
  seen: Capacity,
  now: Date,
): Omit<FleetRecord, 'revision' | 'waking_at'> {
  return {
    desired,
    running: seen.running,
    backlog_seconds: open.seconds,
    open_jobs: open.jobs,
    reason: decision.reason,
    scaling: decision.state,
    updated_at: now.toISOString(),
    ...(seen.error === undefined ? {} : { capacity_error: seen.error }),
  };
}

function tell(
  { log, stage }: Services,
  decision: Decision,
  desired: number,
  open: OpenWork,
  seen: Capacity,
  now: Date,
): void {
  const metrics = metricFields(
    stage,
    {
      BacklogSeconds: [open.seconds, 'Seconds'],
      OpenJobs: [open.jobs, 'Count'],
      QueuedJobs: [open.queued, 'Count'],
      DesiredWorkers: [desired, 'Count'],
      RunningWorkers: [seen.running, 'Count'],
      GpuHoursToday: [decision.state.usedSeconds / 3600, 'None'],
      CapacityErrors: [seen.error === undefined ? 0 : 1, 'Count'],
      BudgetExhausted: [decision.reason === 'budget' && desired === 0 ? 1 : 0, 'Count'],
    },
    now,
  );
  const changed = desired !== seen.desired;
  // CloudWatch charges for each metric and hour with data, and a stage that nobody uses costs nothing.
  if (!changed && open.jobs + desired + seen.running === 0 && seen.error === undefined) return;
  log.info(
    {
      ...metrics,
      reason: decision.reason,
      ...(seen.error === undefined ? {} : { capacity_error: seen.error }),
    },
    changed ? `workers: ${seen.desired} → ${desired}` : 'workers as before',
  );
}

export const policyFrom = (settings: FunctionsEnvironment): ScalingPolicy => ({
  minWorkers: settings.OUTBOARD_MIN_WORKERS,
  maxWorkers: settings.OUTBOARD_MAX_WORKERS,
  targetSeconds: settings.OUTBOARD_TARGET_SECONDS,
  graceSeconds: settings.OUTBOARD_GRACE_SECONDS,
  maxGpuHoursPerDay: settings.OUTBOARD_MAX_GPU_HOURS_A_DAY,
});

const settings = readFunctionsEnvironment(process.env);
export const handler = scale({
  ...connectJobs(settings),
  fleet: connectFleet(settings),
  capacity: connectCapacity(settings),
  policy: policyFrom(settings),
  stage: settings.OUTBOARD_STAGE,
  log: createLogger('scale'),
});
