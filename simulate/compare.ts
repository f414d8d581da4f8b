/** One trace under several policies: the rows of the table. */
import { atEqualCost } from './equal-cost.ts';
import { type Load, measureLoad } from './load.ts';
import { alwaysOn } from './policies/always-on.ts';
import { outboard } from './policies/outboard.ts';
import type { Policy, Sight } from './policies/policy.ts';
import { stepScaling } from './policies/step-scaling.ts';
import { targetTracking } from './policies/target-tracking.ts';
import { arrivalsOf, isTraceName, type Settings } from './settings.ts';
import { type Outcome, simulate } from './simulation.ts';

export const policyNames = [
  'outboard',
  'tracking',
  'tracking-equal-cost',
  'step',
  'always-on-mean',
  'always-on-peak',
] as const;
export type PolicyName = (typeof policyNames)[number];

export interface Comparison {
  readonly settings: Settings;
  readonly load: Load;
  readonly days: number;
  readonly outcomes: Partial<Record<PolicyName, Outcome>>;
}

/** A fleet for the mean load is planned to be busy for this share of its time. */
const PLANNED_USE = 0.8;

export function compare(
  settings: Settings,
  names: readonly PolicyName[] = policyNames,
  watch?: (policy: PolicyName, sight: Sight) => void,
): Comparison {
  const load = measureLoad(arrivalsOf(settings));
  if (load.jobs === 0) throw new Error('The trace holds no job.');
  const days = isTraceName(settings.trace) ? settings.days : Math.ceil(load.lastAt / 3600) / 24;
  const run = (policy: Policy, name?: PolicyName): Outcome =>
    simulate(
      arrivalsOf(settings),
      policy,
      { ...settings, horizonSeconds: days * 86_400 },
      name && watch && { minute: (sight) => watch(name, sight) },
    );
  const tracked = (messagesPerWorker: number, name: string): Policy =>
    targetTracking({ ...settings, messagesPerWorker }, name);
  const advised = settings.messagesPerWorker ?? settings.targetSeconds / (load.workSeconds / load.jobs);
  const fixed = (workers: number): number => Math.min(settings.maxWorkers, Math.max(1, Math.ceil(workers)));
  const forMean = fixed(load.workSeconds / (days * 86_400) / PLANNED_USE);
  const forPeak = Math.max(forMean, fixed(load.busiestQuarter));
  const ours = (): Outcome => run(outboard(settings), 'outboard');

  const makers: Record<PolicyName, (before: Comparison['outcomes']) => Outcome> = {
    outboard: ours,
    tracking: () => run(tracked(advised, `target tracking, ${advised.toFixed(0)} a worker`), 'tracking'),
    'tracking-equal-cost': (before) => {
      const { cost } = before.outboard ?? ours();
      const { parameter } = atEqualCost((messages) => run(tracked(messages, '')), cost, [0.1, 1e5]);
      const name = `target tracking at equal cost, ${parameter.toFixed(1)} a worker`;
      return run(tracked(parameter, name), 'tracking-equal-cost');
    },
    step: () => run(stepScaling(settings), 'step'),
    'always-on-mean': () => run(alwaysOn(forMean, `always on, ${forMean} for the mean`), 'always-on-mean'),
    'always-on-peak': () => run(alwaysOn(forPeak, `always on, ${forPeak} for the peak`), 'always-on-peak'),
  };
  const outcomes: Partial<Record<PolicyName, Outcome>> = {};
  for (const name of policyNames) {
    if (names.includes(name)) outcomes[name] = makers[name](outcomes);
  }
  return { settings, load, days, outcomes };
}

/** Equal cost takes a search of about ten runs: not for traces of that many jobs, where one run takes ten seconds. */
const MANY_JOBS_A_DAY = 5_000_000;

/** Policies worth a row. In sparse traffic target tracking is always on: there is nothing to make equal. */
export function policiesFor({
  trace,
  jobsPerDay,
}: Pick<Settings, 'trace' | 'jobsPerDay'>): readonly PolicyName[] {
  if (trace === 'sparse') return ['outboard', 'tracking', 'step', 'always-on-mean'];
  return policyNames.filter((name) => name !== 'tracking-equal-cost' || jobsPerDay < MANY_JOBS_A_DAY);
}
