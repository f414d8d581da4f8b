/** The results as a page that a reader can check by hand: every ratio stands beside the figures it is made of. */
import { nameOf } from './cases.ts';
import { median } from './median.ts';
import { models } from './models/report.ts';
import type { Parts } from './parts.ts';
import type { Results, ThroughputFigures } from './run.ts';
import { columnMeanings, shares, shareTable } from './shares.ts';
import { figure, percent, table } from './tables.ts';
import { partsMs } from './throughput.ts';

/** Medians over the repeats, but the worst of the main thread's delays. */
function summary({ asked, repeats }: ThroughputFigures, cores: number) {
  const turns = repeats.map(({ parts, load }) => {
    return { partsMs: partsMs(parts), rawPerSecond: parts.rawJobsPerSecond, load };
  });
  return {
    name: nameOf(asked),
    shares: shares(turns, cores),
    part: (name: keyof Parts) => median(repeats.map(({ parts }) => parts[name])),
    p99: Math.max(...repeats.map(({ load }) => load.loopP99Ms)),
    max: Math.max(...repeats.map(({ load }) => load.loopMaxMs)),
  };
}

function throughput({ throughput: figures, machine: { cores } }: Results): string {
  const rows = figures.map((row) => summary(row, cores));
  const parts = table(
    ['CPU ms a job', 'inference', 'decode', 'bicubic twin', 'encode both', 'SQS, DynamoDB, S3'],
    rows.map((row) => [
      row.name,
      ...(['inference', 'decode', 'bicubic', 'encode', 'services'] as const).map((name) =>
        figure(row.part(name)),
      ),
    ]),
  );
  const loop = table(
    ['job', 'p99, ms', 'max, ms'],
    rows.map((row) => [row.name, figure(row.p99), figure(row.max)]),
  );
  return `## Throughput of the worker

The whole worker under a full queue, against the sum of what a job's parts cost alone. SQS, DynamoDB and S3 run on
the same machine; they and everything else on it delay the worker but are not charged to it:

${columnMeanings(cores)}

${shareTable(rows.map((row) => [row.name, row.shares]))}

${parts}

### Delay of the main thread under that load

Leases are renewed on that thread. The worst of all repeats.

${loop}
`;
}

function emulated({ emulated: figures }: Results): string {
  const [first] = figures;
  if (first === undefined) return '';
  const rows = figures.map(({ deviceMs, batch, threads, repeats }) => {
    const rate = (threads * batch * 1000) / deviceMs;
    const done = median(repeats.map(({ jobsPerSecond }) => jobsPerSecond));
    const fill = median(repeats.map((repeat) => repeat.fill));
    const worst = Math.max(...repeats.map(({ loopP99Ms }) => loopP99Ms));
    const share = `**${percent(done / rate)}**`;
    return [String(batch), String(deviceMs), figure(rate), figure(done), share, percent(fill), figure(worst)];
  });
  const head = [
    'tiles a run',
    'ms a run',
    'device, jobs/s',
    'reached',
    '**of the device**',
    'batch fill',
    'main thread p99, ms',
  ];
  return `### With the device elsewhere

${first.threads} device threads that sleep for each run, whatever is in it, as if a GPU worked; ${nameOf(first.asked)}, one tile a job, so that
every batch is filled by several jobs. *Batch fill* counts the beginning and the end of the load too, where less waits.

${table(head, rows)}
`;
}

const awsCost = ({ awsCost: figures }: Results): string => `## Calls of AWS

The smallest jobs, on a device that answers at once, 32 in hand. *CPU*: of the worker with its calls of SQS, DynamoDB and S3, less the same worker
that answers them itself; without TLS, which the local services do not speak.

${table(
  ['job', 'CPU ms a job', 'each repeat', 'everything else, ms', 'calls a job'],
  figures.map(({ kind, cpuMs, withoutMs, calls }) => [
    kind,
    `**${figure(median(cpuMs))}**`,
    cpuMs.map(figure).join(' '),
    figure(withoutMs),
    Object.entries(calls)
      .map(([name, count]) => `${name} ${figure(count)}`)
      .join(', '),
  ]),
)}
`;

const bundles = ({ bundles: figures }: Results): string => `## Lambda bundles

${table(
  ['function', 'zip, KB', 'load in a fresh process, ms', 'on all cores, ms'],
  figures.map(({ name, zipBytes, importMs, importCpuMs }) => [
    name,
    (zipBytes / 1000).toFixed(0),
    importMs.toFixed(0),
    importCpuMs === undefined ? '' : importCpuMs.toFixed(0),
  ]),
)}
`;

const memory = ({ memory: figures }: Results): string => `## Memory of the worker, one job ×4 to JPEG

Peak resident MB / peak anonymous MB, whole process, each in a fresh one. *whole*: the picture in one run of the graph, without decoding or
encoding.

${table(
  ['input, MP', 'tiles', 'whole'],
  figures.map(({ megapixels, tiled, whole }) => [
    megapixels.toFixed(1),
    `${tiled.peak.toFixed(0)} / ${tiled.anonymous.toFixed(0)}`,
    whole === undefined ? 'not run' : `${whole.peak.toFixed(0)} / ${whole.anonymous.toFixed(0)}`,
  ]),
)}
`;

const plans = ({ plans: figures }: Results): string => `### Planned and measured

One job in a worker whose device takes no memory: what its anonymous memory grew by, and what the planner (docs/memory.md) had said.

${table(
  ['job', 'planned, MB', 'measured, MB', '**planned ÷ measured**'],
  figures.map(({ asked, plannedMb, measuredMb }) => [
    nameOf(asked),
    figure(plannedMb),
    figure(measuredMb),
    `**${figure(plannedMb / measuredMb)}**`,
  ]),
)}
`;

function slope({ slope: figures }: Results): string {
  if (figures === undefined) return '';
  const { jobs, samples, kilobytesAJob } = figures;
  const shown = samples.filter((_, index) => (index + 1) % Math.ceil(samples.length / 10) === 0);
  return `### After many jobs

${jobs} jobs of 32×32 ×4 in one process. The line through all samples after the first fifth rises by **${kilobytesAJob.toFixed(3)} KB a job**.

${table(
  ['jobs', 'anonymous, MB'],
  shown.map(([done, megabytes]) => [String(done), megabytes.toFixed(0)]),
)}
`;
}

export function markdown(results: Results): string {
  const { machine, device, threads, date } = results;
  const head = `# Benchmark

${date}, \`npm run bench\`: ${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, onnxruntime ${machine.onnxruntime}, sharp ${machine.sharp};
device ${device}, ${threads} device threads.
`;
  return [
    head,
    ...(results.throughput.length > 0 ? [throughput(results)] : []),
    ...(results.emulated.length > 0 ? [emulated(results)] : []),
    ...(results.models.length > 0 ? [models(results)] : []),
    ...(results.awsCost.length > 0 ? [awsCost(results)] : []),
    ...(results.bundles.length > 0 ? [bundles(results)] : []),
    ...(results.memory.length > 0 ? [memory(results)] : []),
    ...(results.plans.length > 0 ? [plans(results)] : []),
    ...(results.slope === undefined ? [] : [slope(results)]),
  ].join('\n');
}
