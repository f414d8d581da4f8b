/**
 * Progress reports of one job: at most two a second reach the row, the last of each phase always does. A report
 * that finds the claim gone stops the work, so a cancel takes effect within half a second and one tile.
 */
import type { JobStore } from '../shared/aws/job-store.ts';
import type { JobProgress } from '../shared/job.ts';
import type { Lease } from './lease.ts';

const INTERVAL_MS = 500;

export class Progress {
  readonly #jobs: Pick<JobStore, 'report'>;
  readonly #lease: Lease;
  #lastSent = Number.NEGATIVE_INFINITY;
  #lastPhase: JobProgress['phase'] | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(jobs: Pick<JobStore, 'report'>, lease: Lease) {
    this.#jobs = jobs;
    this.#lease = lease;
  }

  /** Never waits for the write and never fails: progress is worth less than the work. */
  report(progress: JobProgress): void {
    const now = performance.now();
    const isNewPhase = progress.phase !== this.#lastPhase;
    const isLast = progress.completed >= progress.total;
    if (!isNewPhase && !isLast && now - this.#lastSent < INTERVAL_MS) return;
    this.#lastSent = now;
    this.#lastPhase = progress.phase;
    this.#sending = this.#sending.then(() => this.#send(progress));
  }

  /** Resolves when no report is on its way any more. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  async #send(progress: JobProgress): Promise<void> {
    try {
      const held = await this.#jobs.report(this.#lease.claim, progress);
      if (!held) this.#lease.abort('lease-lost');
    } catch {
      // The lease's own renewals notice a database that stays away.
    }
  }
}
