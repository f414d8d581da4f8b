/**
 * Who runs beside whom in this process. Jobs share it, but one that a worker did not survive before runs with nobody
 * beside it: if it ends the process again, no other job is harmed, and there is no doubt which one it was.
 */
export interface Place {
  /** Takes the process for this job alone, if no other job is in it. */
  tryAlone(): boolean;
  /** Waits until no other job runs here; none begins before this one has left. Rejects with the signal's reason. */
  alone(signal: AbortSignal): Promise<void>;
  leave(): void;
}

/** Made once: an abort without a reason makes an error with a stack trace, for each job. */
const HAS_LEFT = new Error('The job has left.');

export class Company {
  /** Jobs that run beside each other. */
  #together = 0;
  /** Jobs that want to be alone, and whether one of them is. */
  #loners = 0;
  #isTaken = false;
  #changed = Promise.withResolvers<void>();

  /** Resolves when nobody wants to be alone. */
  async open(): Promise<void> {
    while (this.#loners > 0) await this.#changed.promise;
  }

  /** A place among the others, as soon as nobody wants to be alone. */
  async join(): Promise<Place> {
    await this.open();
    this.#together += 1;
    const left = new AbortController();
    let leave = () => this.#leaveOthers();
    const take = () => {
      this.#isTaken = true;
      leave = () => {
        this.#isTaken = false;
        this.#leaveLoners();
      };
    };
    return {
      tryAlone: () => {
        if (this.#together > 1 || this.#loners > 0) return false;
        this.#together -= 1;
        this.#loners += 1;
        take();
        return true;
      },
      alone: async (signal) => {
        leave();
        this.#loners += 1;
        leave = () => this.#leaveLoners();
        await this.#whenEmpty(take, AbortSignal.any([signal, left.signal]));
      },
      leave: () => {
        // Who leaves while waiting must not be given the process afterwards: nobody would give it back.
        left.abort(HAS_LEFT);
        leave();
      },
    };
  }

  async #whenEmpty(take: () => void, signal: AbortSignal): Promise<void> {
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const stop = () => reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (this.#together > 0 || this.#isTaken) await Promise.race([this.#changed.promise, stopped]);
      signal.throwIfAborted();
      // In the same breath as the look: several may be waiting.
      take();
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #leaveOthers(): void {
    this.#together -= 1;
    this.#tell();
  }

  #leaveLoners(): void {
    this.#loners -= 1;
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}
