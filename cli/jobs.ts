/** `outboard jobs | job | cancel | retry`: a look at the key's jobs, and a hand on them. */
import { Command, Option } from 'commander';
import type { Job } from '../client/outboard.ts';
import { type ConnectionFlags, connect, withConnection } from './connection.ts';
import { findings } from './run/findings.ts';
import { tableText } from './table.ts';
import { wholeNumber } from './whole-number.ts';

interface ListFlags extends ConnectionFlags {
  readonly status?: Job['status'];
  readonly limit: number;
  readonly json?: true;
}

const STATUSES: readonly Job['status'][] = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'canceled',
  'expired',
];

export function jobCommands(): Command[] {
  const list = new Command('jobs')
    .description('jobs, newest first')
    .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
    .option('--limit <number>', 'how many at most', wholeNumber, 20)
    .option('--json', 'one line of JSON for each job')
    .action(listJobs);
  const show = new Command('job')
    .description('one job: what it is doing, why it failed, where its results are')
    .argument('<id>')
    .option('--json', 'as the API gives it')
    .action(async (id: string, flags: ConnectionFlags & { readonly json?: true }) => {
      const job = await connect(flags).jobs.get(id);
      console.log(flags.json ? JSON.stringify(job, null, 2) : jobText(job));
    });
  const cancel = new Command('cancel')
    .description('end open jobs')
    .argument('<id...>')
    .action(async (ids: string[], flags: ConnectionFlags) => {
      const outboard = connect(flags);
      for (const id of ids) console.log(`${id} ${(await outboard.jobs.cancel(id)).status}`);
    });
  const retry = new Command('retry')
    .description('run jobs again that failed, expired or were canceled')
    .argument('<id...>')
    .action(async (ids: string[], flags: ConnectionFlags) => {
      const outboard = connect(flags);
      for (const id of ids) console.log(`${id} ${(await outboard.jobs.retry(id)).status}`);
    });
  return [list, show, cancel, retry].map(withConnection);
}

async function listJobs({ status, limit, json, ...connection }: ListFlags): Promise<void> {
  const jobs: Job[] = [];
  const pageSize = Math.min(limit, 100);
  for await (const job of connect(connection).jobs.list({ status, pageSize })) {
    if (jobs.length >= limit) break;
    jobs.push(job);
  }
  if (json) for (const job of jobs) console.log(JSON.stringify(job));
  else console.log(tableText(['ID', 'STATUS', 'MODEL', 'CREATED', 'TOOK'], jobs.map(row)));
}

const row = (job: Job): string[] => [
  job.id,
  job.error === undefined ? job.status : `${job.status} (${job.error.code})`,
  job.model_version ?? job.model,
  job.created_at.slice(0, 19).replace('T', ' '),
  job.timings?.total_ms === undefined ? '' : `${(job.timings.total_ms / 1000).toFixed(1)} s`,
];

function jobText(job: Job): string {
  const { progress, queue, timings = {} } = job;
  const facts: Record<string, string | undefined> = {
    id: job.id,
    status: job.status,
    waits: queue && `${queue.phase}, place ${queue.position}`,
    progress: progress && `${progress.phase} ${progress.completed}/${progress.total} ${progress.unit}s`,
    error: job.error && `${job.error.code}: ${job.error.message}`,
    model: job.model_version ?? job.model,
    parameters: JSON.stringify(job.parameters),
    attempt: `${job.attempt} of ${job.max_attempts}`,
    created: job.created_at,
    finished: job.finished_at,
    timings: Object.entries(timings)
      .map(([name, ms]) => `${name.replace(/_ms$/, '')} ${ms} ms`)
      .join(', '),
    ...Object.fromEntries(Object.entries(job.output ?? {}).filter(([name]) => name.endsWith('_url'))),
  };
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return [...lines, findings(job)].filter((text) => text !== undefined).join('\n');
}
