/** The comparison as tables: medians over the turns, ratios to the best peer. */
import { median } from '../median.ts';
import { figure, percent, table } from '../tables.ts';
import type { PeersResults, SystemFigures } from './compare.ts';
import type { Task } from './system.ts';

/** The smallest latency that is not exceeded by this share of the jobs of all turns. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function summary({ loops }: SystemFigures, task: Task) {
  const turns = loops[task];
  const latencies = turns.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    rate: median(turns.map(({ jobsPerSecond }) => jobsPerSecond)),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMs: median(turns.map(({ cpuMsPerJob }) => cpuMsPerJob)),
    cores: median(turns.map(({ coresUsed }) => coresUsed)),
    megabytes: Math.max(...turns.map(({ peakMegabytes }) => peakMegabytes)),
  };
}

function throughput({ systems, pictures, serverCores }: PeersResults, task: Task): string {
  const rows = systems
    .filter(({ loops }) => loops[task].length > 0)
    .map((system) => ({ ...system, ...summary(system, task) }));
  const best = Math.max(...rows.filter(({ isOutboard }) => !isOutboard).map(({ rate }) => rate));
  const body = rows.map((row) => [
    row.name,
    figure(row.rate),
    Number.isFinite(best) ? percent(row.rate / best) : '',
    row.p50.toFixed(0),
    row.p99.toFixed(0),
    figure(row.cpuMs),
    figure(row.cores),
    figure((1000 * serverCores) / row.cpuMs),
    row.megabytes.toFixed(0),
  ]);
  const head = [
    'system',
    'jobs/s',
    'of the best peer',
    'p50, ms',
    'p99, ms',
    'CPU ms a job',
    'cores used',
    'its CPU allows, jobs/s',
    'memory, MB',
  ];
  return `## ${task}\n\nEach job: ${pictures[task]}.\n\n${table(head, body)}\n`;
}

function loss({ systems }: PeersResults): string {
  const rows = systems.flatMap(({ name, kill }) =>
    kill === undefined
      ? []
      : [
          [
            name,
            `${kill.jobs}`,
            `${kill.before}`,
            `**${kill.lost}**`,
            `${kill.twice}`,
            figure(kill.lastAnswerSeconds),
          ],
        ],
  );
  const head = ['system', 'jobs', 'done before', '**lost**', 'done twice', 'last answer after, s'];
  return `## The worker killed in the middle

All jobs (super-resolution) are handed over at once; when a third of them is answered, the process that holds the model is killed with
SIGKILL, with all below it, and started again after half a second. *Lost*: no answer came within a minute, or within two and a half with
acks_late, where a task that comes back does so after up to 130 s. *Done twice*: finished more than once.

${table(head, rows)}
`;
}

export function peersMarkdown(results: PeersResults): string {
  const { machine, date, serverCores, clients, systems } = results;
  const settings = systems.map(({ name, where, settings: set }) => [name, where, set]);
  const core = (count: number) => (count === 1 ? 'one core' : `${count} cores`);
  const turns = Math.max(...systems.map(({ loops }) => loops.classification.length));
  return `# Outboard beside what people build today

${date}, \`npm run bench -- peers\`: ${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, onnxruntime ${machine.onnxruntime}.
Every system has ${core(serverCores)} of them, pinned; ${clients} clients in a closed loop run on the others. No two jobs have the same bytes. Turns (${turns}) are
interleaved, each system is started anew for each; rates and CPU are medians over the turns, latencies are of all jobs of all turns, memory is
the highest proportional set size. *Its CPU allows*: cores ÷ CPU a job. A system that leaves its cores idle waits for the clients or, in the
rows called *the worker alone*, for what runs beside them.

${(['classification', 'super-resolution'] as const).map((task) => throughput(results, task)).join('\n')}
${loss(results)}
## Settings

${table(['system', 'charged, and on its cores', 'settings'], settings)}
`;
}
