/** Everything a simulation assumes, in one place: docs/scaling.md prints these numbers and says where they come from. */
import { csvTrace } from './csv-trace.ts';
import { type Arrival, type TraceName, type TraceOptions, traces } from './traces.ts';

export interface Settings extends TraceOptions {
  /** A name of `traces`, or a CSV file. */
  readonly trace: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly targetSeconds: number;
  readonly graceSeconds: number;
  readonly maxGpuHoursPerDay: number;
  /** Target value of target tracking. Unset: what a worker does within `targetSeconds`, as AWS advises. */
  readonly messagesPerWorker: number | undefined;
  readonly startupSeconds: readonly [low: number, high: number];
  readonly releaseSeconds: number;
  readonly interruptionsPerHour: number;
  readonly predictionSigma: number;
  readonly wakeSeconds: number;
  readonly pricePerHour: number;
}

export const defaults: Settings = {
  trace: 'poisson',
  seed: 1,
  jobsPerDay: 1000,
  days: 1,
  workSeconds: 3,
  workSigma: 0.8,
  minWorkers: 0,
  maxWorkers: 1000,
  targetSeconds: 120,
  graceSeconds: 120,
  maxGpuHoursPerDay: 0,
  messagesPerWorker: undefined,
  startupSeconds: [100, 150],
  releaseSeconds: 60,
  interruptionsPerHour: 0,
  predictionSigma: 0.2,
  wakeSeconds: 1,
  pricePerHour: 0.526,
};

/** The arrivals from their beginning, the same each time. */
export const arrivalsOf = (settings: Settings): Iterable<Arrival> =>
  isTraceName(settings.trace) ? traces[settings.trace](settings) : csvTrace(settings.trace);

export const isTraceName = (name: string): name is TraceName => Object.hasOwn(traces, name);

/** Comparisons of the docs: from ten jobs a day to ten million. `quick` ones are run again by a test. */
export interface Scenario extends Pick<Settings, 'trace' | 'jobsPerDay' | 'days' | 'maxWorkers'> {
  readonly quick: boolean;
}

export const scenarios: readonly Scenario[] = [
  { trace: 'sparse', jobsPerDay: 10, days: 60, maxWorkers: 10, quick: true },
  { trace: 'sparse', jobsPerDay: 100, days: 60, maxWorkers: 10, quick: true },
  { trace: 'poisson', jobsPerDay: 100_000, days: 1, maxWorkers: 100, quick: false },
  { trace: 'bursty', jobsPerDay: 20_000, days: 3, maxWorkers: 100, quick: true },
  { trace: 'bursty', jobsPerDay: 200_000, days: 3, maxWorkers: 1000, quick: false },
  { trace: 'day', jobsPerDay: 100_000, days: 1, maxWorkers: 100, quick: false },
  { trace: 'day', jobsPerDay: 1_000_000, days: 1, maxWorkers: 1000, quick: false },
  { trace: 'day', jobsPerDay: 10_000_000, days: 1, maxWorkers: 1000, quick: false },
];
