/**
 * The device as the main thread sees it: threads that run onnxruntime, each with two slots of shared memory, so
 * that one slot is filled or emptied while the other computes. Waiters are served first come, first served, which
 * shares the device between jobs tile by tile.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { OutboardError } from '../../shared/errors.ts';
import type { DeviceReply, DeviceRequest, DeviceWork, ThreadData } from './device-protocol.ts';
import type { DeviceKind, GraphFile, ImageShape, PlainTensors, TensorGraphFile } from './session.ts';

const SLOTS_PER_THREAD = 2;

/** A place to put one input and get one output. Taken with `acquire`, given back with `release`. */
export interface Slot {
  /** A view of at least `bytes` bytes to write the input into. */
  input(bytes: number): Uint8Array;
  /** Runs the graph on the input. The view returned is valid until `release`. @throws model_failed */
  run(graph: GraphFile, shape: ImageShape, isLane: boolean): Promise<Uint8Array>;
  /** Runs a graph that answers with small tensors, which are the caller's to keep. @throws model_failed */
  infer(
    graph: TensorGraphFile,
    shape: ImageShape,
    scalars: Readonly<Record<string, number>>,
  ): Promise<PlainTensors>;
  release(): void;
}

interface PoolOptions {
  readonly device: DeviceKind;
  readonly threads: number;
  /** A run that takes longer means a wedged device; the process must end and be started anew. */
  readonly hungAfterMs: number;
  /** Called once, when the device can no longer be trusted: a thread died or hangs. */
  readonly onFatal: (error: Error) => void;
}

interface Waiter {
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
}

export class DevicePool {
  readonly #threads: DeviceThread[];
  readonly #free: Slot[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly slotCount: number;

  constructor(options: PoolOptions) {
    this.#threads = Array.from({ length: options.threads }, () => new DeviceThread(options));
    // Interleaved, so that the first jobs spread over the threads.
    for (let round = 0; round < SLOTS_PER_THREAD; round += 1) {
      for (const thread of this.#threads) this.#free.push(this.#newSlot(thread));
    }
    this.slotCount = this.#free.length;
  }

  /** The next free slot. Rejects with the signal's reason if that aborts first. */
  async acquire(signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    const free = this.#free.shift();
    if (free !== undefined) return free;
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiter = { resolve, reject };
    this.#waiters.add(waiter);
    const leave = () => {
      if (this.#waiters.delete(waiter)) reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Does the same in every thread, to load what it needs there before the first job does. */
  async inEveryThread(work: (slot: Slot) => Promise<void>): Promise<void> {
    await Promise.all(this.#threads.map((thread) => work(this.#newSlot(thread))));
  }

  /** Lets go of a graph's sessions; a later run loads them again. */
  async unload(path: string): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.do({ kind: 'unload', path })));
  }

  /** Ends the threads once they are idle; a busy one is waited for, never killed. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #newSlot(thread: DeviceThread): Slot {
    let inputBuffer = new SharedArrayBuffer(0);
    let outputBuffer = new SharedArrayBuffer(0);
    const slot: Slot = {
      input: (bytes) => {
        if (inputBuffer.byteLength < bytes) inputBuffer = new SharedArrayBuffer(bytes);
        return new Uint8Array(inputBuffer, 0, bytes);
      },
      run: async (graph, shape, isLane) => {
        const bytes = shape.batch * shape.height * shape.width * graph.scale * graph.scale * 3;
        if (outputBuffer.byteLength < bytes) outputBuffer = new SharedArrayBuffer(bytes);
        await thread.do({ kind: 'picture', graph, shape, isLane, input: inputBuffer, output: outputBuffer });
        return new Uint8Array(outputBuffer, 0, bytes);
      },
      infer: async (graph, shape, scalars) => {
        const tensors = await thread.do({ kind: 'tensors', graph, shape, scalars, input: inputBuffer });
        return tensors ?? {};
      },
      release: () => {
        const [waiter] = this.#waiters;
        if (waiter === undefined) {
          this.#free.push(slot);
        } else {
          this.#waiters.delete(waiter);
          waiter.resolve(slot);
        }
      },
    };
    return slot;
  }
}

/** One device thread and the runs it was given. */
class DeviceThread {
  readonly #worker: Worker;
  readonly #running = new Map<number, (reply: DeviceReply) => void>();
  readonly #options: PoolOptions;
  #nextId = 0;
  #closing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const workerData: ThreadData = { device: options.device };
    this.#worker = new Worker(new URL('./device-thread.ts', import.meta.url), { workerData, name: 'device' });
    this.#worker.on('message', (reply: DeviceReply) => {
      this.#running.get(reply.id)?.(reply);
      this.#running.delete(reply.id);
    });
    this.#worker.on('error', (error) =>
      options.onFatal(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on('exit', (code) => {
      if (!this.#closing) options.onFatal(new Error(`A device thread ended by itself with code ${code}.`));
    });
  }

  async do(work: DeviceWork): Promise<PlainTensors | undefined> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<DeviceReply>();
    this.#running.set(id, resolve);
    const watchdog = setTimeout(() => {
      const { hungAfterMs, onFatal } = this.#options;
      onFatal(new Error(`The device did not finish "${work.kind}" within ${hungAfterMs} ms.`));
    }, this.#options.hungAfterMs);
    this.#worker.postMessage({ id, work } satisfies DeviceRequest);
    const reply = await promise.finally(() => clearTimeout(watchdog));
    if (!reply.ok) throw new OutboardError('model_failed', { cause: new Error(reply.reason) });
    return reply.tensors;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.postMessage('close' satisfies DeviceRequest);
    await once(this.#worker, 'exit');
  }
}
