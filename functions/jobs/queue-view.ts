/**
 * What a queued job waits for: its place in line, how long that will take, and, where no worker is ready, what the
 * fleet is doing about it. Figures are estimates from predicted work; they are told, never acted on.
 */
import type { FleetStore } from '../../shared/aws/fleet-store.ts';
import type { JobIndex } from '../../shared/aws/job-index.ts';
import { type FleetRecord, WAKE_AGAIN_MS, type WorkerState } from '../../shared/fleet.ts';
import type { Job } from '../../shared/job.ts';

export type QueuePhase = 'waiting for capacity' | 'starting worker' | 'loading model' | 'in line';

export interface QueueView {
  readonly phase: QueuePhase;
  /** 1 is next. */
  readonly position: number;
  /** There are more jobs before this one than were counted. */
  readonly position_is_minimum?: true;
  /** Seconds until it should be finished; absent while nothing can be said. */
  readonly eta_seconds?: number;
  /** Why there is no capacity. */
  readonly detail?: string;
}

interface Services {
  readonly index: Pick<JobIndex, 'ahead'>;
  readonly fleet: Pick<FleetStore, 'read' | 'workerStates'>;
  /** Seconds from ordering a machine to its first job. */
  readonly startSeconds: number;
}

export function queueView({ index, fleet, startSeconds }: Services, now: () => Date = () => new Date()) {
  /** @returns undefined for a job that does not wait */
  return async (job: Job): Promise<QueueView | undefined> => {
    if (job.status !== 'queued') return undefined;
    const at = now();
    const [ahead, record, workers] = await Promise.all([
      index.ahead(job),
      fleet.read(),
      fleet.workerStates(at),
    ]);
    const { phase, detail } = whatFor(workers, record, at);
    const eta = estimate(phase, {
      seconds: ahead.seconds + (job.work_seconds ?? 0),
      workers: Math.max(1, workers.ready, workers.loading, record?.desired ?? 0),
      startSeconds,
    });
    return {
      phase,
      position: ahead.queued + 1,
      ...(ahead.complete ? {} : { position_is_minimum: true }),
      ...(eta === undefined || !ahead.complete ? {} : { eta_seconds: eta }),
      ...(detail === undefined ? {} : { detail }),
    };
  };
}

function whatFor(
  workers: Readonly<Record<WorkerState, number>>,
  record: FleetRecord | undefined,
  now: Date,
): { readonly phase: QueuePhase; readonly detail?: string } {
  if (workers.ready > 0) return { phase: 'in line' };
  if (workers.loading > 0) return { phase: 'loading model' };
  if (record?.capacity_error !== undefined) {
    const { code, message } = record.capacity_error;
    return { phase: 'waiting for capacity', detail: `${code}: ${message}` };
  }
  if (record?.reason === 'budget' && record.desired === 0) {
    return {
      phase: 'waiting for capacity',
      detail: "The stage's budget of worker hours for today is used up; it starts anew at 00:00 UTC.",
    };
  }
  const woken = record?.waking_at !== undefined && now.getTime() - record.waking_at < WAKE_AGAIN_MS;
  if (woken || (record?.desired ?? 0) > 0) return { phase: 'starting worker' };
  return { phase: 'waiting for capacity', detail: 'No worker is running.' };
}

function estimate(
  phase: QueuePhase,
  of: { readonly seconds: number; readonly workers: number; readonly startSeconds: number },
): number | undefined {
  if (phase === 'waiting for capacity') return undefined;
  const start = phase === 'starting worker' ? of.startSeconds : 0;
  return Math.ceil(start + of.seconds / of.workers);
}
