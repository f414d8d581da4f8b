/**
 * The right to work on one job: keeps the row's lease and the message's visibility alive from the main thread, and
 * aborts its signal the moment that right is lost. Work that goes on after the abort can change nothing (every
 * write carries the fence), so the abort only saves the device's time.
 */
import type { JobQueue } from '../shared/aws/job-queue.ts';
import type { Claim, JobStore } from '../shared/aws/job-store.ts';
import type { Logger } from '../shared/log.ts';

/** Why work on a job must stop. */
export type StopReason = 'lease-lost' | 'shutdown';

export class StopError extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(reason === 'shutdown' ? 'The worker is shutting down.' : 'The claim on the job is lost.');
    this.name = 'StopError';
    this.reason = reason;
  }
}

interface LeaseOptions {
  readonly jobs: Pick<JobStore, 'renew'>;
  readonly queue: Pick<JobQueue, 'setVisibility'>;
  readonly claim: Claim;
  /** Undefined where the job was found without its message. */
  readonly receipt: string | undefined;
  readonly seconds: number;
  readonly log: Logger;
}

export class Lease {
  #claim: Claim;
  readonly #options: LeaseOptions;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #heldUntil: number;
  #renewals: Promise<unknown> = Promise.resolve();

  /** Starts to renew at once; `heldUntil` is what the claim was given, in epoch milliseconds. */
  constructor(options: LeaseOptions, heldUntil: number) {
    this.#options = options;
    this.#claim = options.claim;
    this.#heldUntil = heldUntil;
    const renew = () => {
      this.#renewals = Promise.all([this.#renewals, this.#renew()]);
    };
    this.#timer = setInterval(renew, (options.seconds * 1000) / 3);
  }

  /** What each write of this attempt carries. */
  get claim(): Claim {
    return this.#claim;
  }

  /** From now on each write says which version the attempt runs. */
  runs(modelVersion: string): void {
    this.#claim = { ...this.#claim, modelVersion };
  }

  /** Aborts with a StopError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops the work, for a shutdown or because a write showed that the claim is lost. */
  abort(reason: StopReason): void {
    this.#controller.abort(new StopError(reason));
  }

  /** Ends the renewing; wait for it before settling, so that a late renewal cannot hide the message again. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewals;
  }

  async #renew(): Promise<void> {
    const { jobs, queue, receipt, seconds, log } = this.#options;
    const claim = this.#claim;
    const until = Date.now() + seconds * 1000;
    const [row, message] = await Promise.allSettled([
      jobs.renew(claim, until),
      receipt === undefined ? undefined : queue.setVisibility(receipt, seconds),
    ]);
    if (message.status === 'rejected') {
      // The row decides; a message that shows up early finds the job leased.
      log.warn({ job_id: claim.id, err: message.reason }, 'could not extend the visibility of a message');
    }
    if (row.status === 'fulfilled' && row.value) {
      this.#heldUntil = until;
    } else if (row.status === 'fulfilled' || Date.now() >= this.#heldUntil) {
      this.abort('lease-lost');
    } else {
      log.warn({ job_id: claim.id, err: row.reason }, 'could not renew a lease; trying again');
    }
  }
}
