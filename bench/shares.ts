/**
 * How near a worker comes to its limits, from what was measured: ratios are formed within a turn, because both sides of it met the
 * same disturbances, and the median over the turns is shown.
 */
import { median } from './median.ts';
import { figure, percent, table } from './tables.ts';
import type { Load } from './throughput.ts';

/** One measurement of the parts and, right after it, of the worker. */
export interface Turn {
  /** CPU of a job's parts, each alone. */
  readonly partsMs: number;
  /** What onnxruntime alone would do; absent where a job does not run a model. */
  readonly rawPerSecond?: number | undefined;
  readonly load: Pick<Load, 'cpuMs' | 'busy'>;
}

export interface Shares {
  readonly partsMs: number;
  readonly cpuMs: number;
  readonly work: number;
  readonly busy: number;
  /** Of the CPU-additive limit: work × busy. */
  readonly share: number;
  /** Jobs a second, where the servers take no CPU of this machine. */
  readonly reached: number;
  /** `reached` by what raw onnxruntime does; NaN where there is no such thing. */
  readonly ofRaw: number;
  /** The limit by the same. */
  readonly limitOfRaw: number;
}

export function shares(turns: readonly Turn[], cores: number): Shares {
  const of = (read: (turn: Turn) => number) => median(turns.map(read));
  const limit = ({ partsMs }: Turn) => (cores * 1000) / partsMs;
  const reached = ({ load }: Turn) => ((cores * 1000) / load.cpuMs) * load.busy;
  const raw = ({ rawPerSecond = Number.NaN }: Turn) => rawPerSecond;
  return {
    partsMs: of(({ partsMs }) => partsMs),
    cpuMs: of(({ load }) => load.cpuMs),
    work: of(({ partsMs, load }) => partsMs / load.cpuMs),
    busy: of(({ load }) => load.busy),
    share: of((turn) => reached(turn) / limit(turn)),
    reached: of(reached),
    ofRaw: of((turn) => reached(turn) / raw(turn)),
    limitOfRaw: of((turn) => limit(turn) / raw(turn)),
  };
}

/** What the columns of `shareTable` mean. */
export const columnMeanings = (
  cores: number,
): string => `- *work* = parts ÷ worker, in CPU milliseconds a job;
- *busy* = of ${cores} cores, how many a thread of the worker used or waited for, sampled while the queue was full;
- *of the CPU limit* = work × busy, formed in each repeat; the median is shown;
- *jobs/s* = ${cores} cores × 1000 ÷ worker × busy: what the worker does where the servers are elsewhere;
- *of raw onnxruntime*: those jobs/s ÷ what ${cores === 1 ? 'one thread' : 'the device threads'} that run only the graph would do, on the CPU counted in CPU
  time too, and what the limit is of that.`;

const HEAD = [
  'job',
  'parts, CPU ms',
  'worker, CPU ms',
  'work',
  'busy',
  '**of the CPU limit**',
  'jobs/s',
  'of raw onnxruntime',
  'the limit itself',
];

/** @param rows shares by the job's name; a text where there are none says why */
export function shareTable(rows: readonly (readonly [name: string, shares: Shares | string])[]): string {
  const ratio = (value: number) => (Number.isNaN(value) ? '' : percent(value));
  const cells = rows.map(([name, row]) =>
    typeof row === 'string'
      ? [name, row, ...HEAD.slice(2).map(() => '')]
      : [
          name,
          figure(row.partsMs),
          figure(row.cpuMs),
          percent(row.work),
          percent(row.busy),
          `**${percent(row.share)}**`,
          figure(row.reached),
          ratio(row.ofRaw),
          ratio(row.limitOfRaw),
        ],
  );
  return table(HEAD, cells);
}
