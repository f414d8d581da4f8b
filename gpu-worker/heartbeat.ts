/**
 * A worker says every few seconds that it is there, what it does and what its models cost. Nothing depends on it for
 * correctness (that is what leases are for): the queue's ETA, the operations view and the scaler read it.
 */
import type { FleetStore } from '../shared/aws/fleet-store.ts';
import type { WorkerRecord } from '../shared/fleet.ts';
import type { Logger } from '../shared/log.ts';
import type { ModelCosts } from './model-costs.ts';

interface Options {
  readonly fleet: Pick<FleetStore, 'beat' | 'leave' | 'learnCosts'>;
  readonly describe: () => Omit<WorkerRecord, 'seen_at'>;
  readonly costs: ModelCosts;
  readonly everyMs: number;
  readonly log: Logger;
}

export class Heartbeat {
  readonly #options: Options;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  start(): void {
    this.beat();
    this.#timer = setInterval(() => this.beat(), this.#options.everyMs);
  }

  /** Says it now, because something changed that others wait for. Never throws. */
  beat(): void {
    this.#sending = this.#sending.then(() => this.#send());
  }

  /** The worker leaves: its row goes, so that nobody counts on it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    const { fleet, describe, log } = this.#options;
    await fleet
      .leave(describe().id)
      .catch((error: unknown) =>
        log.warn({ err: error }, 'could not sign off; the row goes stale by itself'),
      );
  }

  async #send(): Promise<void> {
    const { fleet, describe, costs, log } = this.#options;
    try {
      await fleet.beat({ ...describe(), seen_at: new Date().toISOString() });
      await fleet.learnCosts(costs.take());
    } catch (error) {
      log.warn({ err: error }, 'could not say that this worker is there');
    }
  }
}
