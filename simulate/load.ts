/** How much work a trace holds, known beforehand as no real fleet knows it: to size fleets that never change. */
import type { Arrival } from './traces.ts';

export interface Load {
  readonly jobs: number;
  readonly workSeconds: number;
  /** Most work submitted within a quarter of an hour, in workers that it keeps busy. */
  readonly busiestQuarter: number;
  /** Time of the last submit, seconds. */
  readonly lastAt: number;
}

const QUARTER_SECONDS = 900;

export function measureLoad(arrivals: Iterable<Arrival>): Load {
  let [jobs, workSeconds, lastAt] = [0, 0, 0];
  let [quarter, inQuarter, busiest] = [0, 0, 0];
  for (const { at, work } of arrivals) {
    const index = Math.floor(at / QUARTER_SECONDS);
    if (index !== quarter) [quarter, inQuarter] = [index, 0];
    inQuarter += work;
    busiest = Math.max(busiest, inQuarter);
    jobs++;
    workSeconds += work;
    lastAt = at;
  }
  return { jobs, workSeconds, busiestQuarter: busiest / QUARTER_SECONDS, lastAt };
}
