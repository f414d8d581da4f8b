/**
 * `npm run simulate`: the scaling function of a stage against other policies. Without `--trace` all comparisons of
 * docs/scaling.md (some minutes), with it one trace: `npm run simulate -- --trace bursty --jobs-per-day 5000`.
 */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare, type PolicyName, policiesFor, policyNames } from './compare.ts';
import { defaults, isTraceName, type Settings, scenarios } from './settings.ts';
import { table, verdicts } from './table.ts';
import { traces } from './traces.ts';

const number =
  (minimum: number, maximum = Number.POSITIVE_INFINITY) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= minimum && value <= maximum) return value;
    const range = Number.isFinite(maximum) ? `from ${minimum} to ${maximum}` : `of at least ${minimum}`;
    throw new InvalidArgumentError(`Not a number ${range}.`);
  };

function startup(text: string): [number, number] {
  const [low, high = low, ...more] = text.split('-').map(number(0));
  if (low === undefined || high === undefined || high < low || more.length > 0) {
    throw new InvalidArgumentError('Give LOW-HIGH in seconds, such as 100-150.');
  }
  return [low, high];
}

function trace(name: string): string {
  if (isTraceName(name) || existsSync(name)) return name;
  throw new InvalidArgumentError(`Neither ${Object.keys(traces).join(', ')} nor a file.`);
}

const command = new Command('simulate')
  .description(
    'Waiting times and cost of scaling policies on a virtual clock. Figures are per worker and in seconds.',
  )
  .option(
    '--trace <name>',
    `${Object.keys(traces).join(', ')}, or a CSV file with time_s,work_s a line`,
    trace,
  )
  .addOption(new Option('--policy <names...>', 'only these').choices(policyNames))
  .option('--seed <n>', 'repeats a run exactly', number(0, 0xffffffff))
  .option('--jobs-per-day <n>', 'on average', number(1))
  .option('--days <n>', 'length of the trace', number(1))
  .option('--work-seconds <s>', 'mean device seconds of a job', number(0.001))
  .option('--work-sigma <x>', 'spread of the work: deviation of its logarithm; 0: all the same', number(0, 3))
  .option('--target-seconds <s>', 'a backlog should be worked off within this', number(1))
  .option('--grace-seconds <s>', 'a worker that is not needed stays this long', number(0))
  .option('--min-workers <n>', 'never fewer', number(0, 10_000))
  .option('--max-workers <n>', 'never more', number(1, 10_000))
  .option('--max-gpu-hours-per-day <h>', 'budget guard; 0: none', number(0))
  .option('--messages-per-worker <n>', 'target value of target tracking', number(0.001))
  .option('--startup-seconds <low-high>', 'from the order of a worker to its first job', startup)
  .option('--release-seconds <s>', 'from the end of a worker to the end of its bill', number(0))
  .option('--interruptions-per-hour <x>', 'spot interruptions of one worker', number(0, 60))
  .option('--prediction-sigma <x>', 'spread of predicted over real work', number(0, 3))
  .option('--price-per-hour <usd>', 'of one worker', number(0))
  .option('--json', 'everything, as JSON');

const { policy, json, ...chosen } = command
  .parse()
  .opts<Partial<Settings> & { policy?: PolicyName[]; json?: boolean }>();

const runs = (
  chosen.trace === undefined
    ? scenarios
    : [{ ...scenarios.find((scenario) => scenario.trace === chosen.trace), maxWorkers: defaults.maxWorkers }]
).map(({ quick: _quick, ...scenario }) => ({ ...defaults, ...scenario, ...chosen }));

const comparisons = runs.map((settings) => {
  if (!json) console.error(`${settings.trace}, seed ${settings.seed}, ${settings.days} days …`);
  return compare(settings, policy ?? policiesFor(settings));
});
if (json) {
  console.log(JSON.stringify(comparisons, null, 2));
} else {
  console.log([...table(comparisons), '', ...comparisons.flatMap(verdicts)].join('\n'));
}
