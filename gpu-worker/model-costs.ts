/** What models cost on this machine: a moving average of device seconds a unit (shared/cost.ts), told with each heartbeat. */

/** Weight of the newest job; ten jobs forget nine tenths of what was before. */
const NEWEST = 0.2;

export class ModelCosts {
  readonly #averages = new Map<string, number>();
  #unsaid = new Set<string>();

  /** @param units megapixels or pictures; @param seconds of the whole device */
  observe(key: string, units: number, seconds: number): void {
    if (!(units > 0) || !(seconds > 0)) return;
    const before = this.#averages.get(key);
    const now = seconds / units;
    this.#averages.set(key, before === undefined ? now : before + NEWEST * (now - before));
    this.#unsaid.add(key);
  }

  /** What has changed since the last call. */
  take(): Record<string, number> {
    const changed = Object.fromEntries([...this.#unsaid].map((key) => [key, this.#averages.get(key) ?? 0]));
    this.#unsaid = new Set();
    return changed;
  }
}
