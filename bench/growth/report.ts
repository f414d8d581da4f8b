/** Growth as tables: each with the straight line through it and the largest distance from that line. */
import { figure, percent, table } from '../tables.ts';
import { type Fit, fitLine } from './fit.ts';
import type { GrowthResults } from './measure.ts';

/** A line through fewer says nothing. */
const LEAST = 3;

const line = ({ slope, fixed, worst }: Fit, unit: string, per: string): string =>
  `${figure(fixed)} ${unit} + ${figure(slope)} ${unit} for each ${per}; no measurement lies further from that line than ${percent(worst)}`;

function pictures({ pictures: figures }: GrowthResults): string {
  if (figures.length < LEAST) return '';
  const time = fitLine(figures.map(({ megapixels, cpuMs }) => ({ x: megapixels, y: cpuMs })));
  const memory = fitLine(figures.map(({ megapixels, peak }) => ({ x: megapixels, y: peak.anonymous })));
  const rows = figures.map(({ megapixels, cpuMs, wallMs, idle, peak }) => [
    `${megapixels}`,
    cpuMs.toFixed(0),
    (cpuMs / megapixels).toFixed(0),
    wallMs.toFixed(0),
    idle.anonymous.toFixed(0),
    peak.anonymous.toFixed(0),
    peak.peak.toFixed(0),
  ]);
  const head = [
    'input, MP',
    'CPU ms',
    'CPU ms a MP',
    'wall ms',
    'anonymous before, MB',
    'anonymous peak, MB',
    'resident peak, MB',
  ];
  return `## One picture, larger and larger

Enlarged ×2 by super-resolution-tiny to JPEG, each in a fresh worker. CPU: ${line(time, 'ms', 'megapixel')}.
Anonymous memory: ${line(memory, 'MB', 'megapixel')}.

${table(head, rows)}
`;
}

const CALLS = {
  submitMs: 'submit',
  claimMs: 'receive and claim',
  settleMs: 'settle and delete',
  listMs: 'list 20',
  aheadMs: 'place in line',
  openWorkMs: 'sum of open work',
} as const;

function queue({ queue: figures }: GrowthResults): string {
  if (figures.length < LEAST) return '';
  const names = Object.keys(CALLS) as (keyof typeof CALLS)[];
  const rows = figures.map((row) => [String(row.queued), ...names.map((name) => figure(row[name]))]);
  const [first, last] = [figures[0], figures.at(-1)];
  const growth = names.map((name) => figure((last?.[name] ?? Number.NaN) / (first?.[name] ?? Number.NaN)));
  const sum = fitLine(figures.map(({ queued, openWorkMs }) => ({ x: queued / 1000, y: openWorkMs })));
  return `## More and more jobs that wait

CPU ms a call, of the caller and of the stand-ins for SQS and DynamoDB together. A job is submitted, claimed and settled by calls that touch
a fixed number of items, so their cost must not depend on what waits. The sum reads every open job by
design, once a minute: ${line(sum, 'ms', 'thousand jobs')}. The place in line counts at most 2,000 jobs.

${table(
  ['jobs that wait', ...names.map((name) => CALLS[name])],
  [...rows, [`${last?.queued} by ${first?.queued}`, ...growth.map((times) => `×${times}`)]],
)}
`;
}

function batches({ batches: figures }: GrowthResults): string {
  if (figures.length < LEAST) return '';
  const time = fitLine(figures.map(({ tiles, cpuMs }) => ({ x: tiles, y: cpuMs })));
  const memory = fitLine(figures.map(({ tiles, peak }) => ({ x: tiles, y: peak.anonymous })));
  const rows = figures.map(({ tiles, cpuMs, peak }) => [
    `${tiles}`,
    cpuMs.toFixed(0),
    (cpuMs / tiles).toFixed(1),
    peak.anonymous.toFixed(0),
  ]);
  return `## More and more tiles in one run

Tiles of 256×256 ×2, one thread, each size in a fresh process. CPU: ${line(time, 'ms', 'tile')}.
Anonymous memory: ${line(memory, 'MB', 'tile')}.

${table(['tiles', 'CPU ms', 'CPU ms a tile', 'anonymous peak, MB'], rows)}
`;
}

export function growthMarkdown(results: GrowthResults): string {
  const { machine, date } = results;
  return `# How cost grows

${date}, \`npm run bench -- growth\`: ${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, onnxruntime ${machine.onnxruntime}, sharp ${machine.sharp}.

${pictures(results)}
${queue(results)}
${batches(results)}`;
}
