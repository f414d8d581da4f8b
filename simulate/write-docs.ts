/**
 * `node simulate/write-docs.ts` fills docs/scaling.md with what the simulator gives and draws its two charts; it takes
 * some minutes. A test runs the quick scenarios again and holds the committed lines against them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Comparison, compare, type PolicyName, policiesFor } from './compare.ts';
import { type Series, svg } from './plot.ts';
import type { Sight } from './policies/policy.ts';
import { sensitivityTable } from './sensitivity.ts';
import { defaults, type Scenario, scenarios } from './settings.ts';
import { table, verdicts } from './table.ts';

const DOCS = path.resolve(import.meta.dirname, '../docs');

interface Drawing {
  readonly file: string;
  readonly title: string;
  readonly drawn: readonly { readonly policy: PolicyName; readonly label: string }[];
  readonly fromHour: number;
  readonly hours: number;
}

/** Which scenarios are drawn, by trace and jobs a day. */
const drawings: Readonly<Record<string, Drawing>> = {
  'bursty 200000': {
    file: 'images/scaling-bursts.svg',
    title: 'Bursts: outboard and queue-length target tracking at equal cost',
    drawn: [
      { policy: 'outboard', label: 'outboard' },
      { policy: 'tracking-equal-cost', label: 'target tracking at equal cost' },
    ],
    fromHour: 0,
    hours: 8,
  },
  'day 1000000': {
    file: 'images/scaling-day.svg',
    title: 'A day of a million jobs: outboard and target tracking as AWS advises it',
    drawn: [
      { policy: 'outboard', label: 'outboard' },
      { policy: 'tracking', label: 'target tracking as advised' },
    ],
    fromHour: 0,
    hours: 24,
  },
};

function runScenario({ quick: _quick, ...scenario }: Scenario): Comparison {
  const settings = { ...defaults, ...scenario };
  const seen = new Map<PolicyName, Sight[]>();
  const watch = (policy: PolicyName, sight: Sight): void => {
    if (!seen.has(policy)) seen.set(policy, []);
    seen.get(policy)?.push(sight);
  };
  const drawing = drawings[`${scenario.trace} ${scenario.jobsPerDay}`];
  const comparison = compare(settings, policiesFor(settings), drawing && watch);
  if (drawing !== undefined) draw(drawing, seen);
  return comparison;
}

function draw(
  { file, title, drawn, fromHour, hours }: Drawing,
  seen: ReadonlyMap<PolicyName, Sight[]>,
): void {
  const part = [60 * fromHour, 60 * (fromHour + hours) + 1] as const;
  const series = (value: (sight: Sight) => number): Series[] =>
    drawn.map(({ policy, label }) => ({ label, values: (seen.get(policy) ?? []).slice(...part).map(value) }));
  const description = `Two panels over ${hours} hours: workers that are paid for, and jobs that wait for one.`;
  const panels = [
    { title: 'workers paid for', series: series(({ paid }) => paid) },
    { title: 'jobs waiting for a worker', series: series(({ visible }) => visible) },
  ];
  writeFileSync(path.join(DOCS, file), svg({ title, description, panels, fromHour, hours }));
}

/** Replaces the lines between two marks. */
function fill(page: string, mark: string, lines: readonly string[]): string {
  const pattern = new RegExp(`(<!-- ${mark} -->\\n)[^]*?(<!-- /${mark} -->)`);
  if (!pattern.test(page)) throw new Error(`docs/scaling.md has no place marked ${mark}.`);
  return page.replace(pattern, (_all, open: string, close: string) => `${open}${lines.join('\n')}\n${close}`);
}

const progress = (what: string): void => console.error(what);
const comparisons = scenarios.map((scenario) => {
  progress(`${scenario.trace}, ${scenario.jobsPerDay} jobs a day`);
  return runScenario(scenario);
});
const page = path.join(DOCS, 'scaling.md');
const goals = comparisons.flatMap(verdicts).map((verdict) => `- ${verdict}`);
let text = fill(readFileSync(page, 'utf8'), 'comparison', table(comparisons));
text = fill(text, 'goals', goals);
text = fill(text, 'sensitivity', sensitivityTable(progress));
writeFileSync(page, text);
