/**
 * What the two halves tell each other about the fleet, in rows beside the jobs: each worker says what it is and does,
 * the scaler says what it ordered and why, and models' measured costs turn a request into predicted work.
 */
import type { ScalingState } from './scaling.ts';

/** loading: its models are on their way; draining: finishes what it has. */
export type WorkerState = 'loading' | 'ready' | 'draining';

/** A worker as it described itself last. */
export interface WorkerRecord {
  readonly id: string;
  readonly state: WorkerState;
  readonly device: string;
  /** Jobs in hand, and how many it takes at once. */
  readonly busy: number;
  readonly places: number;
  /** Loaded `name@version`s. */
  readonly models: readonly string[];
  readonly started_at: string;
  readonly seen_at: string;
}

/** Why the cloud gives no machine: `InsufficientInstanceCapacity`, `VcpuLimitExceeded`, … */
export interface CapacityError {
  readonly code: string;
  readonly message: string;
  readonly at: string;
}

/** What the scaler saw and ordered last. */
export interface FleetRecord {
  readonly desired: number;
  /** Workers that are paid for, ready or not. */
  readonly running: number;
  readonly backlog_seconds: number;
  readonly open_jobs: number;
  readonly reason: string;
  readonly updated_at: string;
  readonly capacity_error?: CapacityError;
  /** Memory of the scaling function. */
  readonly scaling?: ScalingState;
  /** Epoch milliseconds of the last wake-up from zero. */
  readonly waking_at?: number;
  /** Grows with every record, so that of two scalers at once only one decides. */
  readonly revision: number;
}

/** A worker that has said nothing for this long is not counted any more. */
export const WORKER_SILENT_MS = 30_000;
/** A wake-up that brought nothing by then may be repeated. */
export const WAKE_AGAIN_MS = 60_000;
