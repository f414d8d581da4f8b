/** `outboard redrive`: shows what ended as a dead letter, asks, and lets it run again. */
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { connectJobs, connectQueue } from '../shared/aws/connect.ts';
import { type ErrorCode, errorKinds } from '../shared/errors.ts';
import type { Job } from '../shared/job.ts';
import { findDeadLetters, leaveDeadLetters, redrive } from './dead-letters.ts';
import { settingsOf } from './stage.ts';
import { type StageOptions, stageFrom, stageOptions } from './stage-options.ts';

interface Options extends StageOptions {
  readonly since: number;
  readonly code: readonly ErrorCode[];
  readonly yes?: boolean;
}

const HOUR_MS = 3_600_000;
const DEFAULT_HOURS = 24;

export function redriveCommand(): Command {
  return stageOptions(new Command('redrive'))
    .description('show dead letters and let them run again')
    .addOption(
      new Option('--since <hours>', 'jobs that the stage gave up on in the last hours')
        .default(DEFAULT_HOURS)
        .argParser(readHours),
    )
    .addOption(
      new Option('--code <codes...>', 'error codes of the jobs to run again')
        .default(['attempts_exhausted'])
        .choices(Object.keys(errorKinds)),
    )
    .option('--yes', 'do not ask')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const stage = await stageFrom(options);
  const settings = settingsOf(stage);
  const services = {
    ...connectJobs(settings),
    queue: connectQueue(settings),
    deadLetters: connectQueue({ ...settings, OUTBOARD_QUEUE_URL: stage.deadLetterUrl }),
  };
  const since = new Date(Date.now() - options.since * HOUR_MS);
  const found = await findDeadLetters(services, options.code, since);
  const count = found.messages.length + found.jobs.length;
  if (count === 0) {
    console.log('There is nothing to redrive.');
    return;
  }
  for (const { jobId } of found.messages) console.log(`message  ${jobId || '(not one of ours)'}`);
  for (const job of found.jobs) console.log(describe(job));
  if (options.yes !== true && !(await confirmed(count))) {
    await leaveDeadLetters(services, found);
    console.log('Nothing was changed.');
    return;
  }
  console.log(`Queued again: ${await redrive(services, found)}.`);
}

const describe = ({ id, tenant, model, model_version, attempt, finished_at, error }: Job): string =>
  [
    `job      ${id}  ${model_version ?? model}  tenant ${tenant}  ${attempt} attempts  ${finished_at}`,
    `         ${error?.code}: ${error?.message}`,
  ].join('\n');

async function confirmed(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('Give --yes to run them again without being asked.');
    return false;
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await lines.question(`Run these ${count} again? [y/N] `);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

function readHours(text: string): number {
  const hours = Number(text);
  if (!(hours > 0)) throw new InvalidArgumentError('It must be a positive number of hours.');
  return hours;
}
