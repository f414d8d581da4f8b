/**
 * Who is served next among several that wait for one device: start-time fair queueing (Goyal, Vin, Cheng 1996), which is
 * weighted round robin that also holds where one's work costs more than another's. Each flow has a virtual time, the
 * device time it was given divided by its weight; the lowest is next. Who comes back after a pause starts at the time
 * of those being served, so nobody can save up a claim and nobody who waits is overtaken for long.
 */

interface Account {
  /** Virtual time at which the next work of this flow starts. */
  start: number;
  waiting: number;
}

export class FairShare {
  readonly #accounts = new Map<string, Account>();
  readonly #weightOf: (flow: string) => number;
  /** Virtual time: the start of the work served last. */
  #clock = 0;

  constructor(weightOf: (flow: string) => number = () => 1) {
    this.#weightOf = weightOf;
  }

  /** One more piece of work of this flow waits. */
  enter(flow: string): void {
    const account = this.#accounts.get(flow) ?? { start: 0, waiting: 0 };
    if (account.waiting === 0) account.start = Math.max(account.start, this.#clock);
    account.waiting += 1;
    this.#accounts.set(flow, account);
  }

  /** One piece less waits. @param cost device time that it is given; 0 where it gave up */
  leave(flow: string, cost: number): void {
    const account = this.#accounts.get(flow);
    if (account === undefined) return;
    account.waiting -= 1;
    if (cost > 0) {
      this.#clock = Math.max(this.#clock, account.start);
      account.start += cost / this.#weightOf(flow);
    }
    this.#forgetSettled();
  }

  /** The lower, the sooner; only for comparing flows of this share. */
  startOf(flow: string): number {
    return this.#accounts.get(flow)?.start ?? this.#clock;
  }

  /** An account that would begin at the clock anyway need not be kept. */
  #forgetSettled(): void {
    for (const [flow, { start, waiting }] of this.#accounts) {
      if (waiting === 0 && start <= this.#clock) this.#accounts.delete(flow);
    }
  }
}
