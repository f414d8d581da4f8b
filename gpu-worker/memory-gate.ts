/**
 * The door before the pixels: a job passes when what it is planned to take fits beside what the jobs inside were planned to
 * take. A job asks once, for its peak, and holds it to its end, so no two can wait for each other; and the one that has waited
 * longest is passed by a few others only, so a large one comes in however many small ones there are.
 */
import type { Need } from './memory-plan.ts';

/** Smaller jobs that may pass the one that has waited longest; then all wait until it is in. */
const MOST_PASSES = 16;

interface Waiter {
  readonly need: Need;
  readonly enter: () => void;
  /** Who came later and went first. */
  passes: number;
}

export class MemoryGate {
  readonly #whole: Need;
  readonly #waiters: Waiter[] = [];
  #used = { memory: 0, disk: 0 };

  /** @param whole all there is for jobs */
  constructor(whole: Need) {
    this.#whole = whole;
  }

  get whole(): Need {
    return this.#whole;
  }

  /** Planned bytes of the jobs inside. */
  get used(): Need {
    return this.#used;
  }

  /** Jobs at the door. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /**
   * Waits until the job fits. Rejects with the signal's reason.
   * @param need at most `whole`
   * @param onWait called where it has to wait
   * @returns gives the bytes back, once
   */
  async enter(need: Need, signal: AbortSignal, onWait?: () => void): Promise<() => void> {
    if (!fits(need, this.#whole)) throw new RangeError('More than there is would be waited for without end.');
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { need, enter: resolve, passes: 0 };
    const leave = () => {
      const place = this.#waiters.indexOf(waiter);
      if (place < 0) return;
      this.#waiters.splice(place, 1);
      reject(signal.reason);
      this.#letIn();
    };
    this.#waiters.push(waiter);
    this.#letIn();
    if (this.#waiters.includes(waiter)) onWait?.();
    signal.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', leave));
    return this.#giveBack(need);
  }

  /** Counts bytes that are there already. @returns as enter */
  hold(need: Need): () => void {
    this.#used = sum(this.#used, need);
    return this.#giveBack(need);
  }

  #letIn(): void {
    for (let place = 0; place < this.#waiters.length; ) {
      const [first] = this.#waiters;
      const waiter = this.#waiters[place];
      if (first === undefined || waiter === undefined) return;
      if (place > 0 && first.passes >= MOST_PASSES) return;
      if (!fits(sum(this.#used, waiter.need), this.#whole)) {
        place += 1;
        continue;
      }
      if (place > 0) first.passes += 1;
      this.#waiters.splice(place, 1);
      this.#used = sum(this.#used, waiter.need);
      waiter.enter();
    }
  }

  #giveBack({ memory, disk }: Need): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#used = sum(this.#used, { memory: -memory, disk: -disk });
      this.#letIn();
    };
  }
}

const sum = (a: Need, b: Need): Need => ({ memory: a.memory + b.memory, disk: a.disk + b.disk });
const fits = (need: Need, whole: Need): boolean => need.memory <= whole.memory && need.disk <= whole.disk;
