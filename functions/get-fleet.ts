/** GET /v1/fleet: the workers of this stage, what the scaler ordered last and why, and how much waits. Changes nothing. */
import { connectFleet, connectQueue } from '../shared/aws/connect.ts';
import type { FleetStore } from '../shared/aws/fleet-store.ts';
import type { JobQueue } from '../shared/aws/job-queue.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import type { FleetRecord } from '../shared/fleet.ts';
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply } from './http/edge.ts';

interface Services {
  readonly fleet: Pick<FleetStore, 'read' | 'workers'>;
  readonly queue: Pick<JobQueue, 'depth'>;
  readonly stage: string;
}

export function getFleet({ fleet, queue, stage }: Services, now: () => Date = () => new Date()) {
  return async (): Promise<Reply> => {
    const [record, workers, waiting] = await Promise.all([fleet.read(), fleet.workers(now()), queue.depth()]);
    const oldestFirst = workers.toSorted((a, b) => a.started_at.localeCompare(b.started_at));
    return {
      status: 200,
      body: {
        stage,
        queue: { waiting },
        workers: oldestFirst,
        ...(record === undefined ? {} : { order: orderView(record) }),
      },
    };
  };
}

/** Without the scaler's own memory. */
function orderView({
  desired,
  running,
  backlog_seconds,
  open_jobs,
  reason,
  updated_at,
  capacity_error,
}: FleetRecord) {
  return { desired, running, backlog_seconds, open_jobs, reason, updated_at, capacity_error };
}

const settings = readFunctionsEnvironment(process.env);
export const handler = httpFunction(
  getFleet({
    fleet: connectFleet(settings),
    queue: connectQueue(settings),
    stage: settings.OUTBOARD_STAGE,
  }),
  createLogger('get-fleet'),
);
