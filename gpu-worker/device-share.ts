/**
 * How much of the device each job takes, when several share it. Jobs that compute at the same time share alike
 * (processor sharing), so a clock is kept that runs at 1/n of real time while n of them compute: what it advances between
 * a job's begin and end is the job's share, in milliseconds of a whole device. Models' costs are learnt from it.
 */
export class DeviceShare {
  readonly #now: () => number;
  #virtual = 0;
  #at = 0;
  #sharers = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns ends the use and tells its share, in milliseconds */
  begin(): () => number {
    const from = this.#advance();
    this.#sharers += 1;
    return () => {
      const share = this.#advance() - from;
      this.#sharers -= 1;
      return share;
    };
  }

  #advance(): number {
    const now = this.#now();
    if (this.#sharers > 0) this.#virtual += (now - this.#at) / this.#sharers;
    this.#at = now;
    return this.#virtual;
  }
}
