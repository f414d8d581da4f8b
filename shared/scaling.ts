/**
 * How many workers a stage should have. A pure function, so that the Lambda function that orders workers and the
 * simulator that compares policies (docs/scaling.md) run the very same lines. What it must remember it hands back as
 * `state`; whoever calls it stores that and hands it in next time, and a lost or foreign state costs no more than a
 * grace time and the worker seconds counted so far that day.
 */

/** What a stage allows. */
export interface ScalingPolicy {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** A backlog should be worked off within this time. */
  readonly targetSeconds: number;
  /** A worker that is not needed stays this long. */
  readonly graceSeconds: number;
  /** Budget guard: worker hours in a UTC day; 0: no guard. */
  readonly maxGpuHoursPerDay: number;
}

/** What the fleet looks like now. */
export interface FleetView {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Predicted device seconds of all open jobs. */
  readonly backlogSeconds: number;
  readonly openJobs: number;
  /** Workers as ordered last. */
  readonly desired: number;
  /** Workers that exist and are paid for, starting ones included. */
  readonly running: number;
}

/** Plain JSON. */
export interface ScalingState {
  /** UTC day that `usedSeconds` belongs to, in days since the epoch. */
  readonly day: number;
  /** Worker seconds paid for in that day, as far as they were seen. */
  readonly usedSeconds: number;
  /** Time of the last call, milliseconds since the epoch, and the workers seen then. */
  readonly at: number;
  readonly running: number;
  /** Needs that no later need has reached, within the grace time: times rise, workers fall. */
  readonly peaks: readonly Peak[];
}

interface Peak {
  readonly at: number;
  readonly workers: number;
}

export interface Decision {
  /** Workers to order: a whole number from 0 to `maxWorkers`. */
  readonly desired: number;
  /** What decided: a bound, the backlog, workers kept for a while, the budget, or nothing to do. */
  readonly reason: 'minimum' | 'maximum' | 'backlog' | 'grace' | 'budget' | 'idle';
  readonly state: ScalingState;
}

const DAY_MS = 86_400_000;

/** Keeps the stored row small, however often the function is called while the need falls. */
const MAX_PEAKS = 60;

/** Workers to order now. Scale-out acts at once, scale-in waits for the grace time, the budget waits for nobody. */
export function decideWorkers(
  view: FleetView,
  state: ScalingState | undefined,
  policy: ScalingPolicy,
): Decision {
  const known = isState(state) ? state : undefined;
  const max = count(policy.maxWorkers);
  const need = neededWorkers(view, policy);
  const peaks = withNeed(known?.peaks ?? [{ at: view.now, workers: view.desired }], need, view.now, policy);
  const held = peaks[0]?.workers ?? 0;
  const wanted = Math.min(max, Math.max(held, count(policy.minWorkers)));

  const used = usedToday(view, known);
  const affordable = affordableWorkers(used, policy);
  const next = {
    day: dayOf(view.now),
    usedSeconds: used,
    at: view.now,
    running: count(view.running),
    peaks,
  };

  if (wanted > affordable) return { desired: affordable, reason: 'budget', state: next };
  return { desired: wanted, reason: reasonFor(wanted, need, held, max), state: next };
}

/** Enough to work the backlog off in time, one while any job is open, never more than there are jobs to give them. */
function neededWorkers(
  { backlogSeconds, openJobs }: FleetView,
  { targetSeconds, maxWorkers }: ScalingPolicy,
) {
  const jobs = count(openJobs);
  const inTime = Math.ceil(atLeastZero(backlogSeconds) / Math.max(1, targetSeconds));
  return Math.min(Math.max(1, inTime), jobs, count(maxWorkers));
}

/** The peaks after a new need. One ends when its grace is over or when a later need is as high. */
function withNeed(
  before: readonly Peak[],
  need: number,
  now: number,
  { graceSeconds }: ScalingPolicy,
): Peak[] {
  const peaks = before
    // A peak from the future was written by a clock that ran ahead: it counts from now on.
    .map(({ at, workers }) => ({ at: Math.min(at, now), workers: count(workers) }))
    .filter(({ at, workers }) => now - at < graceSeconds * 1000 && workers > need);
  if (need > 0) peaks.push({ at: now, workers: need });
  // Too many steps to remember: the last two become one, as high as the first and as young as the second.
  if (peaks.length > MAX_PEAKS) {
    const [higher] = peaks.splice(-2);
    peaks.push({ at: now, workers: higher?.workers ?? need });
  }
  return peaks;
}

/**
 * Worker seconds of this UTC day. Between two calls the larger of both fleets is taken as paid for, so that the sum is
 * never too small. A clock that went back adds nothing and clears nothing.
 */
function usedToday(view: FleetView, state: ScalingState | undefined): number {
  if (state === undefined) return 0;
  const today = dayOf(view.now);
  const since = Math.max(state.at, today * DAY_MS);
  const added = (Math.max(0, view.now - since) / 1000) * Math.max(count(view.running), count(state.running));
  return (today > state.day ? 0 : state.usedSeconds) + added;
}

/**
 * A worker once ordered is paid for while it works the backlog off (target) and waits for more (grace): so many are
 * ordered as what is left of the day's budget keeps for that long. The fleet shrinks with the rest, and the last worker
 * stays until nothing is left, so the budget ends with one worker and not with all of them.
 */
function affordableWorkers(used: number, policy: ScalingPolicy): number {
  if (!(policy.maxGpuHoursPerDay > 0)) return Number.POSITIVE_INFINITY;
  const left = policy.maxGpuHoursPerDay * 3600 - used;
  if (left <= 0) return 0;
  return Math.max(1, Math.floor(left / Math.max(1, policy.targetSeconds + policy.graceSeconds)));
}

function reasonFor(wanted: number, need: number, held: number, max: number): Decision['reason'] {
  if (wanted > held) return 'minimum';
  if (wanted < held) return 'maximum';
  if (wanted === 0) return 'idle';
  if (held > need) return 'grace';
  return need >= max ? 'maximum' : 'backlog';
}

/** The row may have been written by another version, or by hand. */
function isState(state: ScalingState | undefined): state is ScalingState {
  return (
    [state?.day, state?.usedSeconds, state?.at, state?.running].every(Number.isFinite) &&
    Array.isArray(state?.peaks) &&
    state.peaks.every((peak) => Number.isFinite(peak?.at) && Number.isFinite(peak?.workers))
  );
}

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** Infinity stays: an endless backlog asks for the maximum. */
const atLeastZero = (value: number): number => (value > 0 ? value : 0);

const count = (value: number): number => Math.floor(atLeastZero(value));
