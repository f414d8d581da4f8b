/**
 * The device as the rest of the worker sees it: pictures and tiles of any job go in, answers come out, and how they share
 * runs, threads and memory is decided here. One batcher, and threads that each have two slots.
 */
import type { Turn } from './batch-queue.ts';
import { Batcher, type Item, type RunReport } from './batcher.ts';
import { DeviceError } from './device-error.ts';
import { Lane, type LaneSpec, laneKey } from './lane.ts';
import type { PlainTensors } from './session.ts';
import { Slot } from './slot.ts';
import { ThreadHandle, type ThreadOptions } from './thread-handle.ts';

const SLOTS_PER_THREAD = 2;
/** Device failures in a row, a sound input among them, after which the device is given up. */
const MOST_FAILURES = 3;
/** Clients choose thresholds, and each choice is a lane; what was learnt about a forgotten one is learnt again. */
const MOST_LANES = 256;

/** One tile or picture for the device. */
export interface Work {
  readonly turn: Turn;
  readonly signal: AbortSignal;
  /** Runs while the device does nothing else: the last try of what did not fit. */
  readonly isAlone?: boolean;
  /** Copies the input, height × width × 3 bytes; called when the run begins, once more for each time it is repeated. */
  readonly fill: (input: Uint8Array) => void;
}

type Spec<Kind> = Extract<LaneSpec, { kind: Kind }>;

interface PictureWork<Answer> extends Work {
  readonly lane: Spec<'picture'>;
  /** Copies what it needs; the memory is used again when it returns. */
  readonly read: (output: Uint8Array) => Answer;
}

interface TensorWork<Answer> extends Work {
  readonly lane: Spec<'tensors'>;
  /** @param place of this picture in the batch that the tensors are of @param batch pictures in it */
  readonly read: (tensors: PlainTensors, place: number, batch: number) => Answer;
}

interface PoolOptions extends ThreadOptions {
  readonly threads: number;
  /** Most pictures in one run, where the graph leaves it open. */
  readonly batchSize?: number;
  /** See Setting OUTBOARD_TENANT_WEIGHTS. */
  readonly weightOf?: (tenant: string) => number;
  readonly maxFailures?: number;
  readonly onRun?: (report: RunReport) => void;
}

export class DevicePool {
  readonly #options: PoolOptions;
  readonly #threads: ThreadHandle[];
  readonly #slots: Slot[];
  readonly #batcher: Batcher;
  readonly #lanes = new Map<string, Lane>();
  /** A lane that is known to work, for telling a bad input from a bad device. */
  #proven: Lane | undefined;
  #failures = 0;
  /** How many items one job should offer at once, so that full batches can be formed of it alone. */
  readonly lookahead: number;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: options.threads }, () => new ThreadHandle(options));
    // Interleaved, so that the first jobs spread over the threads.
    this.#slots = Array.from({ length: SLOTS_PER_THREAD }, () =>
      this.#threads.map((thread) => new Slot(thread)),
    ).flat();
    this.lookahead = this.#slots.length * this.#batchSize * 2;
    this.#batcher = new Batcher({
      slots: this.#slots,
      isShared: options.device === 'cuda',
      weightOf: options.weightOf,
      onRun: (report) => {
        this.#failures = 0;
        options.onRun?.(report);
      },
      isSound: (slot) => this.#isSound(slot),
    });
  }

  /** Threads, each of which can be busy. */
  get threads(): number {
    return this.#threads.length;
  }

  /** Items that wait, by lane; a lane that is known and has none counts too. */
  depths(): Map<string, number> {
    const depths = new Map([...this.#lanes.values()].map((lane) => [lane.label, 0]));
    for (const { lane, depth } of this.#batcher.depths()) {
      depths.set(lane.label, (depths.get(lane.label) ?? 0) + depth);
    }
    return depths;
  }

  /** A picture into a picture. @throws model_failed, device_out_of_memory; the signal's reason */
  enlarge<Answer>({ lane, read, ...work }: PictureWork<Answer>): Promise<Answer> {
    return this.#submit(lane, work, ({ output }, place, { answerBytes }) =>
      read(output.subarray(place * answerBytes, (place + 1) * answerBytes)),
    );
  }

  /** A picture into small tensors. @throws as enlarge */
  infer<Answer>({ lane, read, ...work }: TensorWork<Answer>): Promise<Answer> {
    return this.#submit(lane, work, ({ tensors, runSize }, place) => read(tensors, place, runSize));
  }

  /**
   * Opens the lane's sessions in every thread and runs each once, so that no job pays for it.
   * @param stays false where it is enough to know that it runs: on the CPU a session is opened again in some 10 ms, and
   *   holds up to 130 MB a thread meanwhile. On a GPU every lane stays, because planning one takes seconds.
   * @throws DeviceError
   */
  async warm(spec: LaneSpec, stays = true): Promise<void> {
    const lane = this.#laneOf(spec);
    lane.stays = stays || this.#options.device === 'cuda';
    // One thread's proof is as good as all of theirs, and takes the memory once.
    const threads = lane.stays ? this.#threads : this.#threads.slice(0, 1);
    await Promise.all(
      threads.map(async (thread) => {
        const slot = new Slot(thread);
        for (const size of lane.usualRuns.toReversed()) {
          // A size that the device has no memory for is not used; the smallest must fit.
          const result = await slot.runBlank(lane, size).catch(async (error: unknown) => {
            if (!isOutOfMemory(error) || size === 1 || !lane.canShrink) throw error;
            lane.shrink(size, performance.now());
            await slot.forget(lane, size);
          });
          if (result !== undefined && size === lane.size) lane.measured(result.runMs);
          if (!lane.stays) await slot.forget(lane, size);
        }
      }),
    );
    if (!lane.stays) return;
    for (const slot of this.#slots) slot.reserve(lane, lane.size);
    this.#proven = lane;
  }

  /** Lets go of a graph's sessions; a later run loads them again. */
  async unload(path: string): Promise<void> {
    for (const [key, lane] of this.#lanes) if (lane.spec.graph.path === path) this.#lanes.delete(key);
    if (this.#proven?.spec.graph.path === path) this.#proven = undefined;
    await Promise.all(this.#threads.map((thread) => thread.do({ kind: 'unload', path })));
  }

  /** Ends the threads once they are idle; a busy one is waited for, never killed. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  get #batchSize(): number {
    return this.#options.batchSize ?? 1;
  }

  #laneOf(spec: LaneSpec): Lane {
    const key = laneKey(spec);
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane = new Lane(spec, this.#options.device, this.#batchSize);
    // A size that comes once teaches nothing.
    if (!spec.isUsual) return lane;
    const [oldest] = this.#lanes.keys();
    if (this.#lanes.size >= MOST_LANES && oldest !== undefined) this.#lanes.delete(oldest);
    this.#lanes.set(key, lane);
    return lane;
  }

  #submit<Answer>(
    spec: LaneSpec,
    { turn, signal, isAlone = false, fill }: Work,
    read: (...result: [...Parameters<Item['deliver']>, Lane]) => Answer,
  ): Promise<Answer> {
    const lane = this.#laneOf(spec);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const item: Item = {
      lane,
      turn,
      since: performance.now(),
      signal,
      isAlone,
      fill,
      deliver: (result, place) => resolve(read(result, place, lane)),
      fail: reject,
    };
    const leave = () => this.#batcher.leave(item);
    signal.addEventListener('abort', leave, { once: true });
    this.#batcher.submit(item);
    return promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** A run of an input that is known to be good tells whose fault a failure was. */
  async #isSound(slot: Slot): Promise<boolean> {
    if (this.#proven === undefined) return true;
    try {
      await slot.runBlank(this.#proven, this.#proven.runSize(1));
      this.#failures = 0;
      return true;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures >= (this.#options.maxFailures ?? MOST_FAILURES)) {
        this.#options.onFatal(
          new Error(`The device failed ${this.#failures} times in a row.`, { cause: error }),
        );
      }
      return false;
    }
  }
}

const isOutOfMemory = (error: unknown): boolean => error instanceof DeviceError && error.isOutOfMemory;
