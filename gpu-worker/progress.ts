/**
 * Progress reports of one job: the latest one reaches the row half a second after the first; from then on each is written
 * at once, but no two within half a second. A job that is over sooner writes none: its end says more. What a job has to
 * wait for is written at once. A report that finds the claim gone stops the work, so a cancel takes effect within half a
 * second and one tile.
 *
 * A job that a worker did not survive before is under suspicion: each of its steps is on the row before it is taken.
 */
import type { JobStore } from '../shared/aws/job-store.ts';
import type { JobEvidence, JobProgress } from '../shared/job.ts';
import type { Lease } from './lease.ts';

const INTERVAL_MS = 500;

/** What is known of a suspect from the start. */
export type Suspicion = Pick<JobEvidence, 'worker'>;

/** Steps that evidence keeps. */
const MOST_STEPS = 20;

export class Progress {
  readonly #jobs: Pick<JobStore, 'report' | 'note'>;
  readonly #suspicion: Suspicion | undefined;
  readonly #steps: string[] = [];
  #known: Omit<JobEvidence, 'worker' | 'phase' | 'log'> = {};
  readonly #lease: Lease;
  #latest: JobProgress | undefined;
  /** When the phase of the latest report began. */
  #phase: { readonly name: JobProgress['phase']; readonly since: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the last report was written; before the first, when it was made. */
  #writtenAt: number | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(jobs: Pick<JobStore, 'report' | 'note'>, lease: Lease, suspicion?: Suspicion) {
    this.#suspicion = suspicion;
    this.#jobs = jobs;
    this.#lease = lease;
  }

  /** Never waits for the write and never fails: progress is worth less than the work. */
  report(progress: JobProgress): void {
    this.#latest = { ...progress, ...this.#estimate(progress) };
    const now = performance.now();
    this.#writtenAt ??= now;
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, this.#writtenAt + INTERVAL_MS - now));
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

  /** A step that begins when this resolves: at once, or for a suspect when the row says so. */
  async enter(progress: JobProgress): Promise<void> {
    if (this.#suspicion === undefined) {
      this.report(progress);
      return;
    }
    // A report of the step before must not come after this one.
    await this.settled();
    this.#timer = undefined;
    this.#steps.push(`${new Date().toISOString()} ${progress.phase}`);
    const log = this.#steps.slice(-MOST_STEPS);
    const evidence = { ...this.#suspicion, ...this.#known, phase: progress.phase, log };
    const held = await this.#jobs.note(this.#lease.claim, progress, evidence);
    if (!held) this.#lease.abort('lease-lost');
  }

  /** Adds to what is written with the next step of a suspect. */
  learn(known: Omit<JobEvidence, 'worker' | 'phase' | 'log'>): void {
    this.#known = { ...this.#known, ...known };
  }

  /** Drops what was not sent yet; resolves when no report is on its way any more. */
  async settled(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
  }

  #flush(): void {
    this.#timer = undefined;
    this.#writtenAt = performance.now();
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
