/** Waiting times of finished jobs: exact quantiles, eight bytes a job. */
export interface WaitSummary {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class Waits {
  #values = new Float64Array(1024);
  #length = 0;
  #sum = 0;

  get count(): number {
    return this.#length;
  }

  add(seconds: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = seconds;
    this.#sum += seconds;
  }

  /** Quantiles by nearest rank: the smallest value that at least that share of all does not exceed. */
  summary(): WaitSummary {
    const sorted = this.#values.subarray(0, this.#length).sort();
    const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { mean: this.#sum / Math.max(1, this.#length), p50: rank(0.5), p99: rank(0.99), max: rank(1) };
  }
}
