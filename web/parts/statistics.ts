/** Figures of many jobs for charts: plain arithmetic over what GET /v1/jobs says. */
import type { Job } from '../api.ts';

export interface Ended {
  readonly id: string;
  /** Epoch milliseconds of its end. */
  readonly at: number;
  readonly succeeded: boolean;
  /** From accepted to ended. */
  readonly tookMs: number;
}

/** Jobs that ran to an end of their own; a canceled one says nothing about the stage. */
export function endedJobs(jobs: readonly Job[]): Ended[] {
  return jobs
    .filter(({ status, finished_at }) => finished_at !== undefined && status !== 'canceled')
    .map((job) => {
      const at = Date.parse(job.finished_at ?? '');
      return {
        id: job.id,
        at,
        succeeded: job.status === 'succeeded',
        tookMs: Math.max(0, at - Date.parse(job.created_at)),
      };
    })
    .sort((a, b) => a.at - b.at);
}

/** @param fraction 0.5 for the median; nearest rank, so it is always a value that was seen */
export function quantile(values: readonly number[], fraction: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(fraction * sorted.length) - 1))];
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

const MINUTE = 60_000;
/** Windows that a person can name. */
const spans = [15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE];

/** The smallest window up to now that holds all of these, or the largest one. */
export function spanOf(ended: readonly Ended[], now: number): Span {
  const oldest = ended[0]?.at ?? now;
  const length = spans.find((span) => span >= now - oldest) ?? spans.at(-1) ?? MINUTE;
  return { from: now - length, to: now };
}

export interface Bucket extends Span {
  readonly succeeded: number;
  readonly failed: number;
}

export function bucketsOf(ended: readonly Ended[], { from, to }: Span, count: number): Bucket[] {
  const width = (to - from) / count;
  return Array.from({ length: count }, (_, index) => {
    const start = from + index * width;
    const inside = ended.filter(({ at }) => at > start && at <= start + width);
    const succeeded = inside.filter((one) => one.succeeded).length;
    return { from: start, to: start + width, succeeded, failed: inside.length - succeeded };
  });
}

/** `15 minutes`, `6 hours`, `7 days`. */
export function spanWords({ from, to }: Span): string {
  const minutes = Math.round((to - from) / MINUTE);
  if (minutes < 60) return `${minutes} minutes`;
  if (minutes < 120) return 'hour';
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`;
}
