/**
 * How many jobs a worker has in hand. Twice what the device takes at once keeps it busy where it is what jobs wait for: one half
 * decodes and encodes while the other computes. Where a job spends most of its time elsewhere (a small classifier, an answer
 * from the cache), so few leave the device idle while calls to AWS are on their way; then there are more.
 */
import type { JobTimings } from '../shared/job.ts';

/** Jobs that are remembered. */
const REMEMBERED = 16;
/** A job that takes the device for longer, among them, keeps the number low: what is in hand here, no idle worker can take. */
const LONG_MS = 500;
/** Beyond this, jobs only wait for each other's CPU time. */
const MOST_PER_CORE = 8;

/** Where nobody says: at most twice as many as always, or what the cores can do. */
export const mostPlaces = (least: number, cores: number): number =>
  Math.max(least * 2, cores * MOST_PER_CORE);

export class Places {
  readonly #least: number;
  readonly #most: number;
  readonly #jobs: { readonly device: number; readonly elsewhere: number }[] = [];

  /** @param least twice what the device takes at once */
  constructor(least: number, most: number) {
    this.#least = least;
    this.#most = most;
  }

  /** @param heldMs from the moment a job was in hand to its end @param timings of a job that ended well */
  observe(heldMs: number, { compute_ms = 0, device_ms = 0 }: JobTimings): void {
    this.#jobs.push({ device: device_ms, elsewhere: heldMs - compute_ms });
    if (this.#jobs.length > REMEMBERED) this.#jobs.shift();
  }

  /** Jobs that may be in hand now. */
  get now(): number {
    if (this.#jobs.length < REMEMBERED) return this.#least;
    if (this.#jobs.some(({ device }) => device > LONG_MS)) return this.#least;
    const device = this.#jobs.reduce((sum, job) => sum + job.device, 0);
    const elsewhere = this.#jobs.reduce((sum, job) => sum + job.elsewhere, 0);
    // While one job is elsewhere, the device could serve this many others. Timings are whole milliseconds.
    const meanwhile = Math.floor(elsewhere / Math.max(device, REMEMBERED));
    return Math.min(this.#most, this.#least + meanwhile);
  }
}
