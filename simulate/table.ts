/** Comparisons as a Markdown table, which is also what a terminal shows. */
import type { Comparison } from './compare.ts';

const HEADER = [
  'trace',
  'policy',
  'wait p50',
  'wait p99',
  'done p50',
  'done p99',
  'GPU h a day',
  '$ a day',
  'busy',
  'wake-ups a day',
  'most workers',
];

/** The rows of all comparisons. */
export const table = (comparisons: readonly Comparison[]): string[] =>
  markdown(HEADER, comparisons.flatMap(rowsOf), 2);

/** Columns are padded, all but the first `textColumns` to the right, so that the table also reads well as plain text. */
export function markdown(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns: number,
): string[] {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(({ length }) => length)),
  );
  const pad = (cell: string, column: number): string =>
    column < textColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const line = (cells: readonly string[]): string => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, i) => (i < textColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)];
}

const rowsOf = ({ settings, load, days, outcomes }: Comparison): string[][] =>
  Object.values(outcomes).map((outcome) => [
    title(settings.trace, load.jobs / days),
    outcome.policy,
    seconds(outcome.toStart.p50),
    seconds(outcome.toStart.p99),
    seconds(outcome.toEnd.p50),
    seconds(outcome.toEnd.p99),
    fixed(outcome.gpuHours / days),
    fixed(outcome.cost / days),
    `${Math.round(100 * outcome.busyShare)} %`,
    fixed(outcome.wakeUps / days),
    whole(outcome.maxWorkers),
  ]);

const title = (trace: string, jobsPerDay: number): string =>
  `${trace}, ${whole(Math.round(jobsPerDay))} jobs a day`;

/** What a comparison says about the two goals; nothing where it says nothing. */
export function verdicts({ settings, load, days, outcomes }: Comparison): string[] {
  const { outboard, tracking, 'tracking-equal-cost': equal, 'always-on-mean': always } = outcomes;
  if (outboard === undefined) return [];
  const name = title(settings.trace, load.jobs / days);
  if (settings.trace === 'sparse' && always !== undefined) {
    const [low, high] = settings.startupSeconds;
    const coldStart = low + 0.99 * (high - low);
    const share = outboard.cost / always.cost;
    const met = share <= 0.5 && outboard.toStart.p99 <= coldStart + 10;
    return [
      `${name}: ${percent(share)} of the cost of always on (goal: at most 50 %) at a p99 wait of ` +
        `${seconds(outboard.toStart.p99)} (goal: at most 10 s above the p99 of a cold start, ` +
        `${seconds(coldStart)}): ${met ? 'met' : 'missed'}.`,
    ];
  }
  if (settings.trace === 'bursty' && equal !== undefined && tracking !== undefined) {
    const ratio = outboard.toStart.p99 / equal.toStart.p99;
    return [
      `${name}: ${percent(ratio)} of the p99 wait of target tracking at ${percent(equal.cost / outboard.cost)} of its ` +
        `cost (goal: at most 50 % at equal cost): ${ratio <= 0.5 ? 'met' : 'missed'}. As AWS advises, target tracking ` +
        `costs ${fixed(tracking.cost / outboard.cost)} times as much and waits ` +
        `${fixed(tracking.toStart.p99 / outboard.toStart.p99)} times as long.`,
    ];
  }
  return [];
}

const fixed = (value: number): string => {
  const digits = value < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
const seconds = (value: number): string => `${fixed(value)} s`;
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const whole = (value: number): string => value.toLocaleString('en-US');
