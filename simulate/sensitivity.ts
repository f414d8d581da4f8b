/** How much the two goals depend on what was assumed: the same traces with one assumption changed at a time. */
import { compare } from './compare.ts';
import { defaults, type Settings } from './settings.ts';
import { markdown } from './table.ts';

const SPARSE = { trace: 'sparse', jobsPerDay: 100, days: 60, maxWorkers: 10 } as const;
const BURSTY = { trace: 'bursty', jobsPerDay: 100_000, days: 2, maxWorkers: 1000 } as const;

const variations: readonly { readonly what: string; readonly change: Partial<Settings> }[] = [
  { what: 'as assumed', change: {} },
  { what: 'target 60 s', change: { targetSeconds: 60 } },
  { what: 'grace 300 s', change: { graceSeconds: 300 } },
  { what: 'target 60 s and grace 300 s', change: { targetSeconds: 60, graceSeconds: 300 } },
  { what: 'start-up 200 to 300 s', change: { startupSeconds: [200, 300] } },
  {
    what: 'start-up 200 to 300 s, target and grace 240 s',
    change: { startupSeconds: [200, 300], targetSeconds: 240, graceSeconds: 240 },
  },
  { what: 'instance paid 16 min after its worker', change: { releaseSeconds: 960 } },
  { what: 'grace 1,020 s', change: { graceSeconds: 1020 } },
  { what: 'predictions scattered by a factor of 2', change: { predictionSigma: 0.7 } },
  { what: 'one spot interruption in 10 worker hours', change: { interruptionsPerHour: 0.1 } },
];

export function sensitivityTable(progress: (what: string) => void): string[] {
  const rows = variations.map(({ what, change }) => {
    progress(what);
    const sparse = compare({ ...defaults, ...SPARSE, ...change }, ['outboard', 'always-on-mean']).outcomes;
    const bursty = compare({ ...defaults, ...BURSTY, ...change }, [
      'outboard',
      'tracking-equal-cost',
    ]).outcomes;
    const [ours, always] = [sparse.outboard, sparse['always-on-mean']];
    const [burst, tracking] = [bursty.outboard, bursty['tracking-equal-cost']];
    if (!ours || !always || !burst || !tracking) throw new Error('A policy was left out.');
    return [
      what,
      `${Math.round((100 * ours.cost) / always.cost)} %`,
      `${Math.round(ours.toStart.p99)} s`,
      `${Math.round(burst.toStart.p99)} s`,
      `${Math.round(tracking.toStart.p99)} s`,
      `${Math.round((100 * burst.toStart.p99) / tracking.toStart.p99)} %`,
      `${Math.round((100 * tracking.cost) / burst.cost)} %`,
    ];
  });
  const header = [
    'assumption',
    'sparse: cost of always on',
    'sparse: wait p99',
    'bursts: wait p99',
    'bursts: tracking, wait p99',
    'ratio',
    'cost of tracking',
  ];
  return markdown(header, rows, 1);
}
