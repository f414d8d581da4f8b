/**
 * Arrivals: when jobs are submitted and how many device seconds each takes. Generators, so that ten million of them
 * take no memory. Times are seconds since midnight UTC of the first day.
 */
import { Random } from './random.ts';

export interface Arrival {
  readonly at: number;
  readonly work: number;
}

export interface TraceOptions {
  readonly seed: number;
  /** On average; a day may have more or less. */
  readonly jobsPerDay: number;
  readonly days: number;
  /** Work of a job: log-normal with this mean and this standard deviation of the logarithm. */
  readonly workSeconds: number;
  readonly workSigma: number;
}

const DAY = 86_400;
const MINUTE = 60;

/** Bursts of ten minutes on average, two hours between the starts of two: a twelfth of the time carries all jobs. */
const BURST_SECONDS = 600;
const QUIET_SECONDS = 6600;

/** Independent submits at a constant rate: nobody knows of anybody. */
function* poisson(options: TraceOptions): Generator<Arrival> {
  yield* within(options, 0, options.days * DAY, options.jobsPerDay / DAY, streams(options));
}

/** All or nothing: bursts and silences of exponential length. */
function* bursty(options: TraceOptions): Generator<Arrival> {
  const random = streams(options);
  const rate = (options.jobsPerDay / DAY) * ((BURST_SECONDS + QUIET_SECONDS) / BURST_SECONDS);
  const end = options.days * DAY;
  let at = random.shape.exponential(QUIET_SECONDS);
  while (at < end) {
    const until = Math.min(end, at + random.shape.exponential(BURST_SECONDS));
    yield* within(options, at, until, rate, random);
    at = until + random.shape.exponential(QUIET_SECONDS);
  }
}

/**
 * A day as services of people see it: a deep night, a broad working day, an evening; a slow drift of noise on top, and
 * about six times a day a spike of three times the rate for some minutes.
 */
function* day(options: TraceOptions): Generator<Arrival> {
  const random = streams(options);
  const spikeShare = (6 * 5) / 1440;
  const mean = average(Array.from({ length: 1440 }, (_, minute) => curve(minute / 60)));
  const scale = options.jobsPerDay / DAY / (mean * (1 + 2 * spikeShare));
  let drift = 0;
  let spikeUntil = 0;
  for (let minute = 0; minute < options.days * 1440; minute++) {
    drift = 0.95 * drift + 0.06 * random.shape.normal();
    if (random.shape.next() < 6 / 1440) spikeUntil = minute + random.shape.exponential(5);
    const rate = scale * curve((minute % 1440) / 60) * Math.exp(drift) * (minute < spikeUntil ? 3 : 1);
    yield* within(options, minute * MINUTE, (minute + 1) * MINUTE, rate, random);
  }
}

/** Relative rate by hour: least at 4 h, most at 14 h, a second rise at 20.5 h. */
const curve = (hour: number): number => 0.12 + bump(hour, 14, 3.5) + 0.55 * bump(hour, 20.5, 1.6);
const bump = (hour: number, centre: number, width: number): number =>
  Math.exp(-((hour - centre) ** 2) / (2 * width * width));

/** A Poisson process of constant rate (jobs a second) from `from` to `until`. */
function* within(
  { workSeconds, workSigma }: TraceOptions,
  from: number,
  until: number,
  rate: number,
  { gaps, work }: ReturnType<typeof streams>,
): Generator<Arrival> {
  if (!(rate > 0)) return;
  for (let at = from + gaps.exponential(1 / rate); at < until; at += gaps.exponential(1 / rate)) {
    yield { at, work: work.logNormal(workSeconds, workSigma) };
  }
}

const streams = ({ seed }: TraceOptions) => ({
  gaps: new Random(seed, 1),
  work: new Random(seed, 2),
  shape: new Random(seed, 3),
});

const average = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Traces by name. `sparse` is `poisson` with few jobs: without clusters a fleet is woken most often. */
export const traces = { poisson, bursty, sparse: poisson, day } as const;
export type TraceName = keyof typeof traces;
