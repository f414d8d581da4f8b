/**
 * The loop: a free place first, then a receive for exactly as many messages as can start. A message in hand is
 * always being worked on, so nothing waits invisibly in a process that may die.
 *
 * Jobs whose worker was killed come first: their messages return behind the whole backlog, so every few seconds the
 * loop asks the index of due jobs before it asks the queue.
 *
 * Shutdown has two steps: stop receiving and let running jobs finish (drain); when the time is up or a second
 * signal comes, stop them between two tiles and give them back at once, uncounted (release).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { JobIndex } from '../shared/aws/job-index.ts';
import type { JobQueue } from '../shared/aws/job-queue.ts';
import type { Logger } from '../shared/log.ts';
import { Company } from './company.ts';
import type { Lease } from './lease.ts';
import { type Finished, type RunJobServices, runJob } from './run-job.ts';

/** A queue that does not answer is asked again after this long. */
const RECEIVE_RETRY_MS = 1_000;
/** A receive costs the same for one message as for ten: where there are many places it waits a moment for more of them. */
const LINGER_MS = 20;
const ENOUGH_PLACES = 8;
/** Of all places: the others have work meanwhile. */
const MOST_LINGERING = 1 / 4;
/** With the lease this bounds how long the job of a killed worker waits. */
const RESCUE_EVERY_MS = 5_000;

interface WorkerOptions extends Omit<RunJobServices, 'company'> {
  readonly queue: Pick<JobQueue, 'receive' | 'delete' | 'setVisibility'>;
  readonly index: Pick<JobIndex, 'due'>;
  /** Jobs that may be in hand now. */
  readonly places: () => number;
  readonly pollSeconds: number;
  readonly log: Logger;
  /** @param heldMs from the moment the job was in hand */
  readonly onResult?: (finished: Finished, heldMs: number) => void;
  /** Called whenever a job came in hand or left it. */
  readonly onBusy?: () => void;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #leases = new Set<Lease>();
  readonly #company = new Company();
  #nextRescue = 0;
  #stopping = false;
  #releasing = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Jobs in hand. */
  get busy(): number {
    return this.#running.size;
  }

  get #free(): number {
    return this.#options.places() - this.#running.size;
  }

  /** Works until `stop` is called; resolves when the last job is settled. */
  async run(): Promise<void> {
    const { queue, pollSeconds, leaseSeconds, log } = this.#options;
    while (!this.#stopping) {
      if (this.#free <= 0) {
        await Promise.race(this.#running);
        continue;
      }
      try {
        // While one job is alone here, what waits in the queue waits for other workers too.
        await this.#company.open();
        if (this.#stopping) break;
        await this.#rescue();
        if (this.#free <= 0) continue;
        await this.#linger();
        const messages = await queue.receive(this.#free, pollSeconds, leaseSeconds);
        for (const message of messages) this.#start(message);
      } catch (error) {
        log.error({ err: error }, 'the queue does not answer');
        await sleep(RECEIVE_RETRY_MS);
      }
    }
    while (this.#running.size > 0) await Promise.race(this.#running);
  }

  /**
   * Stops receiving; running jobs may finish for `drainMs`, then they are released. A second call releases them
   * at once. A receive that is under way is waited for, because SQS may already have handed out its messages.
   */
  stop(drainMs: number): void {
    if (this.#stopping) {
      this.#release();
      return;
    }
    this.#stopping = true;
    this.#options.log.info({ busy: this.busy }, 'draining');
    setTimeout(() => this.#release(), drainMs).unref();
  }

  /** Resolves when a good part of the places is free, or after a moment. */
  async #linger(): Promise<void> {
    const enough = Math.min(ENOUGH_PLACES, this.#options.places() * MOST_LINGERING);
    let isOver = false;
    const moment = sleep(LINGER_MS).then(() => {
      isOver = true;
    });
    while (!isOver && this.#free < enough) await Promise.race([...this.#running, moment]);
  }

  /** Starts jobs that are due although no message of theirs is here: leases that ran out, above all. */
  async #rescue(): Promise<void> {
    const now = Date.now();
    if (now < this.#nextRescue) return;
    this.#nextRescue = now + RESCUE_EVERY_MS;
    for await (const jobId of this.#options.index.due(new Date(now))) {
      this.#start({ jobId });
      if (this.#free > 0) continue;
      // There may be more: the next free place is theirs too.
      this.#nextRescue = 0;
      return;
    }
  }

  #release(): void {
    this.#releasing = true;
    for (const lease of this.#leases) lease.abort('shutdown');
  }

  #start(message: Parameters<typeof runJob>[1]): void {
    const { log, onResult, onBusy } = this.#options;
    const held: Lease[] = [];
    const since = performance.now();
    const done = runJob({ ...this.#options, company: this.#company }, message, (lease) => {
      held.push(lease);
      this.#leases.add(lease);
      if (this.#stopping && this.#releasing) lease.abort('shutdown');
    })
      .then((finished) => onResult?.(finished, performance.now() - since))
      // Settling failed (DynamoDB or SQS away): the lease runs out and the message comes back by itself.
      .catch((error: unknown) => log.error({ err: error, job_id: message.jobId }, 'could not settle a job'))
      .finally(() => {
        for (const lease of held) this.#leases.delete(lease);
        this.#running.delete(done);
        onBusy?.();
      });
    this.#running.add(done);
    onBusy?.();
  }
}
