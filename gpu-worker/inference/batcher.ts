/**
 * Brings what waits for the device and its free slots together: whenever a slot is free, the next batch is formed,
 * copied into it and run. What fails is run again in smaller parts (remedy.ts); an item's answer is read exactly once,
 * after the one run that succeeded with it.
 */
import { OutboardError } from '../../shared/errors.ts';
import { type Batch, BatchQueue, type Waiting } from './batch-queue.ts';
import { DeviceError } from './device-error.ts';
import type { Lane } from './lane.ts';
import { remedyFor } from './remedy.ts';
import type { RunResult, Slot } from './slot.ts';

export interface Item extends Waiting {
  readonly lane: Lane;
  readonly signal: AbortSignal;
  /** Runs while the device does nothing else. */
  readonly isAlone: boolean;
  /** Copies the input of this item into its place. */
  readonly fill: (input: Uint8Array) => void;
  /** @param place among the items of the run */
  readonly deliver: (result: RunResult, place: number) => void;
  readonly fail: (reason: unknown) => void;
}

/** One run, for the metrics. */
export interface RunReport {
  readonly lane: string;
  readonly items: number;
  readonly size: number;
  readonly waitMs: readonly number[];
  readonly runMs: number;
}

interface BatcherOptions {
  readonly slots: readonly Slot[];
  /** True where all threads share one device, which then is busy while any of them is. */
  readonly isShared: boolean;
  readonly weightOf?: ((tenant: string) => number) | undefined;
  readonly onRun?: ((report: RunReport) => void) | undefined;
  /** Asked when an item failed by itself: is the device still sound, so that the fault is the item's? */
  readonly isSound: (slot: Slot) => Promise<boolean>;
}

type Group = readonly [Item, ...Item[]];

export class Batcher {
  readonly #options: BatcherOptions;
  readonly #queue: BatchQueue<Item>;
  readonly #free: Slot[];
  /** Parts of runs that failed; they go first and are never mixed with others. */
  readonly #again: Batch<Item>[] = [];
  readonly #alone: Item[] = [];
  #isExclusive = false;
  #isDue = false;
  #busy = 0;
  #alarm: NodeJS.Timeout | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#queue = new BatchQueue(options.weightOf);
    this.#free = [...options.slots];
  }

  /** Items that wait, by lane. */
  depths(): ReturnType<BatchQueue<Item>['depths']> {
    return this.#queue.depths();
  }

  /** The item's `deliver` or `fail` is called once, later. */
  submit(item: Item): void {
    const { signal, lane } = item;
    const now = performance.now();
    lane.restore(now);
    if (signal.aborted) item.fail(signal.reason);
    else if (item.isAlone) this.#alone.push(item);
    else if (lane.refuses(now)) item.fail(tooLarge(lane, new Error('It did not fit a moment ago.')));
    else this.#queue.add(item);
    this.#dispatchSoon();
  }

  /** Takes back what has not begun; what has, ends as it will. */
  leave(item: Item): void {
    const place = this.#alone.indexOf(item);
    if (place >= 0) this.#alone.splice(place, 1);
    if (place >= 0 || this.#queue.remove(item)) item.fail(item.signal.reason);
  }

  /** What is submitted in one breath can be one batch, also where the device is idle. */
  #dispatchSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    clearTimeout(this.#alarm);
    while (this.#free.length > 0) {
      const slot = this.#free.reduce((best, other) =>
        other.thread.inHand < best.thread.inHand ? other : best,
      );
      const wouldIdle = this.#options.isShared ? this.#busy === 0 : slot.thread.inHand === 0;
      const batch = this.#next(wouldIdle);
      if (batch === undefined) {
        this.#lookAgain();
        return;
      }
      this.#free.splice(this.#free.indexOf(slot), 1);
      this.#busy += 1;
      void this.#serve(slot, batch).finally(() => {
        this.#busy -= 1;
        this.#free.push(slot);
        this.#dispatch();
      });
    }
  }

  #next(wouldIdle: boolean): Batch<Item> | undefined {
    if (this.#isExclusive) return undefined;
    const again = this.#again.shift();
    if (again !== undefined) return again;
    const [alone] = this.#alone;
    if (alone === undefined) return this.#queue.take(performance.now(), wouldIdle);
    // What runs is waited for, and nothing new begins.
    if (this.#busy > 0) return undefined;
    this.#alone.shift();
    this.#isExclusive = true;
    return { lane: alone.lane, items: [alone] };
  }

  /** A batch that is not worth a run yet will be, whether or not anything else happens. */
  #lookAgain(): void {
    const ripe = this.#queue.nextRipe();
    // While one item has the device to itself, its end is what to wait for.
    if (ripe === undefined || this.#isExclusive || this.#alone.length > 0) return;
    this.#alarm = setTimeout(() => this.#dispatch(), Math.max(1, Math.ceil(ripe - performance.now())));
  }

  async #serve(slot: Slot, { items }: Batch<Item>): Promise<void> {
    try {
      const [first, ...others] = items.filter(({ signal, fail }) => {
        if (signal.aborted) fail(signal.reason);
        return !signal.aborted;
      });
      if (first !== undefined) await this.#run(slot, first.lane, [first, ...others]);
    } finally {
      if (items.some(({ isAlone }) => isAlone)) this.#isExclusive = false;
    }
  }

  async #run(slot: Slot, lane: Lane, items: Group): Promise<void> {
    const input = slot.reserve(lane, Math.max(lane.runSize(items.length), items.length));
    const [first, ...others] = items.filter((item, place) =>
      attempt(item, () => item.fill(part(lane, input, place))),
    );
    // An input that could not be read leaves a hole; the others are few enough to be asked again.
    if (others.length + 1 < items.length) {
      if (first !== undefined) await this.#run(slot, lane, [first, ...others]);
      return;
    }
    const runSize = lane.runSize(items.length);
    input.fill(0, items.length * lane.itemBytes);
    const start = performance.now();
    const result = await slot.run(lane, runSize).catch((error: unknown) => new Failure(error));
    if (result instanceof Failure) return this.#mend(slot, lane, items, runSize, result.reason);
    if (runSize === lane.size) lane.measured(result.runMs);
    for (const [place, item] of items.entries()) attempt(item, () => item.deliver(result, place));
    const waitMs = items.map(({ since }) => start - since);
    this.#options.onRun?.({
      lane: lane.label,
      items: items.length,
      size: lane.size,
      waitMs,
      runMs: result.runMs,
    });
  }

  async #mend(slot: Slot, lane: Lane, items: Group, runSize: number, error: unknown): Promise<void> {
    const now = performance.now();
    const isOutOfMemory = error instanceof DeviceError && error.isOutOfMemory;
    const isSmaller = isOutOfMemory && lane.canShrink && runSize > 1;
    if (isOutOfMemory) {
      lane.shrink(runSize, now);
      await slot.forget(lane, runSize).catch(() => {});
    }
    const remedy = remedyFor(items, isOutOfMemory, isSmaller ? lane.size : undefined);
    if (remedy.kind === 'again') {
      this.#again.push(...remedy.groups.map((group) => ({ lane, items: group })));
    } else if (remedy.kind === 'too-large' && !remedy.item.isAlone) {
      lane.refuse(now);
      remedy.item.fail(tooLarge(lane, error));
    } else if (await this.#options.isSound(slot)) {
      const isTooLarge = remedy.kind === 'too-large';
      remedy.item.fail(
        isTooLarge ? tooLarge(lane, error) : new OutboardError('model_failed', { cause: error }),
      );
    } else {
      // Not the item's fault: another worker, or this one after its end, may do better.
      remedy.item.fail(new OutboardError('internal_error', { cause: error }));
    }
  }
}

/** A rejection as a value. */
class Failure {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

/** The place of one item in the input of its run. */
const part = (lane: Lane, input: Uint8Array, place: number): Uint8Array =>
  input.subarray(place * lane.itemBytes, (place + 1) * lane.itemBytes);

/** Whether it went well; else the item alone is told, because the fault is its own. */
function attempt({ fail }: Item, step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

const tooLarge = ({ spec: { height, width } }: Lane, cause: unknown): OutboardError =>
  new OutboardError('device_out_of_memory', {
    detail: `One picture of ${width}×${height} did not fit.`,
    cause,
  });
