/** Milliseconds by phase, for the job's row and the metrics. */
import type { JobTimings, TimedPhase } from '../shared/job.ts';

export class Stopwatch {
  readonly #spent: Partial<Record<TimedPhase, number>> = {};
  readonly #start = performance.now();

  /** Adds the time until `work` settles to `phase`. */
  async time<T>(phase: TimedPhase, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.add(phase, performance.now() - start);
    }
  }

  add(phase: TimedPhase, milliseconds: number): void {
    this.#spent[phase] = Math.round((this.#spent[phase] ?? 0) + milliseconds);
  }

  read(): JobTimings {
    return { ...this.#spent, total_ms: Math.round(performance.now() - this.#start) };
  }
}
