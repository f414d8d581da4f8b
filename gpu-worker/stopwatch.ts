/** Milliseconds by phase, for the job's row and the metrics. */
import type { JobTimings, TimedPhase } from '../shared/job.ts';
import type { DeviceShare } from './device-share.ts';

export class Stopwatch {
  readonly #spent: Partial<Record<TimedPhase, number>> = {};
  readonly #start = performance.now();
  readonly #share: DeviceShare | undefined;

  /** @param share where given, computing is also counted as a share of the device */
  constructor(share?: DeviceShare) {
    this.#share = share;
  }

  /** Adds the time until `work` settles to `phase`. */
  async time<T>(phase: TimedPhase, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const endShare = phase === 'compute_ms' ? this.#share?.begin() : undefined;
    try {
      return await work();
    } finally {
      this.add(phase, performance.now() - start);
      if (endShare !== undefined) this.add('device_ms', endShare());
    }
  }

  add(phase: TimedPhase, milliseconds: number): void {
    this.#spent[phase] = this.spent(phase) + milliseconds;
  }

  /** Not rounded: a small classifier takes less than a millisecond. */
  spent(phase: TimedPhase): number {
    return this.#spent[phase] ?? 0;
  }

  read(): JobTimings {
    const spent = { ...this.#spent, total_ms: performance.now() - this.#start };
    return Object.fromEntries(Object.entries(spent).map(([phase, time]) => [phase, Math.round(time)]));
  }
}
