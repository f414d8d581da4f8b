/**
 * Progress reports of one job: the latest one reaches the row half a second after the first, then at most twice a
 * second. A job that is over sooner writes none: its end says more. What a job has to wait for is written at once. A
 * report that finds the claim gone stops the work, so a cancel takes effect within half a second and one tile.
 */
import type { JobStore } from '../shared/aws/job-store.ts';
import type { JobProgress } from '../shared/job.ts';
import type { Lease } from './lease.ts';

const INTERVAL_MS = 500;

export class Progress {
  readonly #jobs: Pick<JobStore, 'report'>;
  readonly #lease: Lease;
  #latest: JobProgress | undefined;
  /** When the phase of the latest report began. */
  #phase: { readonly name: JobProgress['phase']; readonly since: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(jobs: Pick<JobStore, 'report'>, lease: Lease) {
    this.#jobs = jobs;
    this.#lease = lease;
  }

  /** Never waits for the write and never fails: progress is worth less than the work. */
  report(progress: JobProgress): void {
    this.#latest = { ...progress, ...this.#estimate(progress) };
    this.#timer ??= setTimeout(() => this.#flush(), INTERVAL_MS);
  }

  /** The same without the half second: for the start of a wait, which says most while it is new. */
  reportNow(progress: JobProgress): void {
    clearTimeout(this.#timer);
    this.#latest = { ...progress, ...this.#estimate(progress) };
    this.#flush();
  }

  /** Whole seconds that the rest of the phase will take, if it goes on as it did. */
  #estimate({ phase, completed, total }: JobProgress): Pick<JobProgress, 'eta_seconds'> {
    if (this.#phase?.name !== phase) this.#phase = { name: phase, since: performance.now() };
    if (completed === 0 || completed >= total) return {};
    const each = (performance.now() - this.#phase.since) / completed;
    return { eta_seconds: Math.ceil((each * (total - completed)) / 1000) };
  }

  /** Drops what was not sent yet; resolves when no report is on its way any more. */
  async settled(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
  }

  #flush(): void {
    this.#timer = undefined;
    const latest = this.#latest;
    if (latest !== undefined) this.#sending = this.#sending.then(() => this.#send(latest));
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
