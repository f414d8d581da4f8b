/**
 * What CloudWatch hears of a worker, once a minute while there is anything to tell: how many jobs ended and how, and how
 * long each phase took. Prometheus has the same in more detail at /metrics; a stage without a collector has these.
 */
import { metricFields } from '../shared/embedded-metrics.ts';
import type { JobTimings } from '../shared/job.ts';
import type { Logger } from '../shared/log.ts';
import type { JobResult } from './run-job.ts';

/** The embedded metric format takes this many values of one metric in a line; the others wait for the next. */
const MOST_VALUES = 100;

/** `queue_ms` → `QueueMilliseconds`. */
const metricName = (phase: string): string =>
  `${phase.charAt(0).toUpperCase()}${phase.slice(1).replace(/_ms$/, '')}Milliseconds`;

interface Options {
  readonly stage: string;
  readonly log: Logger;
}

export class CloudMetrics {
  readonly #options: Options;
  readonly #counts = { JobsSucceeded: 0, JobsFailed: 0, ModelLoadFailures: 0 };
  readonly #times = new Map<string, number[]>();

  constructor(options: Options) {
    this.#options = options;
  }

  count(result: JobResult, timings: JobTimings = {}): void {
    if (result === 'succeeded') this.#counts.JobsSucceeded += 1;
    if (result === 'failed') this.#counts.JobsFailed += 1;
    for (const [phase, milliseconds] of Object.entries(timings)) {
      const name = metricName(phase);
      const values = this.#times.get(name) ?? [];
      this.#times.set(name, values);
      values.push(milliseconds);
    }
  }

  countLoadFailure(): void {
    this.#counts.ModelLoadFailures += 1;
  }

  /** Writes what has happened since the last call; nothing where nothing has. */
  flush(now: Date = new Date()): void {
    const { stage, log } = this.#options;
    const counts = Object.entries(this.#counts).filter(([, count]) => count > 0);
    const times = [...this.#times].map(([name, values]) => [name, values.splice(0, MOST_VALUES)] as const);
    for (const [name, values] of this.#times) if (values.length === 0) this.#times.delete(name);
    Object.assign(this.#counts, { JobsSucceeded: 0, JobsFailed: 0, ModelLoadFailures: 0 });
    if (counts.length + times.length === 0) return;
    const metrics = {
      ...Object.fromEntries(counts.map(([name, count]) => [name, [count, 'Count'] as const])),
      ...Object.fromEntries(times.map(([name, values]) => [name, [values, 'Milliseconds'] as const])),
    };
    log.info(metricFields(stage, metrics, now), 'metrics of the last minute');
  }
}
