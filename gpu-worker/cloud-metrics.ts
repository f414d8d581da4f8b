/**
 * What CloudWatch hears of a worker, once a minute while there is anything to tell: how jobs ended, why they failed, and how
 * long each phase took, for the stage and by model. Prometheus has the same in more detail at /metrics; a stage without a
 * collector has these.
 */
import { metricFields } from '../shared/embedded-metrics.ts';
import type { Logger } from '../shared/log.ts';
import type { RunReport } from './inference/batcher.ts';
import type { Finished } from './run-job.ts';

/** The embedded metric format takes this many values of one metric in a line; the others wait for the next. */
const MOST_VALUES = 100;

/** `queue_ms` → `Queue`. */
const capital = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/_ms$/, '')}`;

type Measure = readonly [
  value: number | readonly number[],
  unit: 'Count' | 'Milliseconds' | 'Percent' | 'Bytes',
];

interface Options {
  readonly stage: string;
  readonly log: Logger;
  /** Of the whole worker, read for each line that is written. */
  readonly gauges?: () => Readonly<Record<string, Measure>>;
}

/** What has happened with one model, or where no model was known, since the last line. */
class Tally {
  readonly #counts = new Map<string, number>();
  readonly #values = new Map<string, number[]>();

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  add(name: string, value: number): void {
    const values = this.#values.get(name) ?? [];
    this.#values.set(name, values);
    values.push(Math.round(value * 100) / 100);
  }

  /** What fits into one line; what does not stays. */
  take(): Record<string, Measure> {
    const counts = [...this.#counts].map(([name, count]): [string, Measure] => [name, [count, 'Count']]);
    this.#counts.clear();
    const values = [...this.#values].map(([name, all]): [string, Measure] => {
      if (all.length <= MOST_VALUES) this.#values.delete(name);
      return [name, [all.splice(0, MOST_VALUES), name.endsWith('Percent') ? 'Percent' : 'Milliseconds']];
    });
    return Object.fromEntries([...counts, ...values]);
  }
}

export class CloudMetrics {
  readonly #options: Options;
  readonly #tallies = new Map<string | undefined, Tally>();

  constructor(options: Options) {
    this.#options = options;
  }

  count({ result, model, timings = {}, settleMs, reason, cache }: Finished): void {
    const tally = this.#of(model);
    if (result === 'succeeded') tally.count('JobsSucceeded');
    if (result === 'failed') tally.count('JobsFailed');
    if (reason !== undefined) tally.count(`Failures${capital(reason)}`);
    if (cache !== undefined) tally.count(cache === 'hit' ? 'StoredAnswerHits' : 'StoredAnswerMisses');
    const times = settleMs === undefined ? timings : { ...timings, settle_ms: settleMs };
    for (const [phase, milliseconds] of Object.entries(times))
      tally.add(`${capital(phase)}Milliseconds`, milliseconds);
  }

  /** One run of the device. Its longest wait stands for all of its items. */
  countRun({ items, size, waitMs }: Pick<RunReport, 'items' | 'size' | 'waitMs'>): void {
    const tally = this.#of(undefined);
    tally.add('BatchFillPercent', (items / size) * 100);
    tally.add('BatchWaitMilliseconds', Math.max(...waitMs));
  }

  countLoadFailure(): void {
    this.#of(undefined).count('ModelLoadFailures');
  }

  /** Writes what has happened since the last call; nothing where nothing has. */
  flush(now: Date = new Date()): void {
    const { stage, log, gauges } = this.#options;
    const lines = [...this.#tallies].map(([model, tally]) => [model, tally.take()] as const);
    const told = lines.filter(([, measures]) => Object.keys(measures).length > 0);
    if (told.length === 0) return;
    const whole = gauges?.() ?? {};
    if (Object.keys(whole).length > 0) told.push([undefined, whole]);
    for (const [model, measures] of told)
      log.info(metricFields(stage, measures, now, model), 'metrics of the last minute');
  }

  #of(model: string | undefined): Tally {
    const tally = this.#tallies.get(model) ?? new Tally();
    this.#tallies.set(model, tally);
    return tally;
  }
}
