/** A device thread as the main thread holds it: what it was given to do, and a watchdog over each piece of it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { DeviceError } from './device-error.ts';
import type {
  DeviceReply,
  DeviceRequest,
  DeviceWork,
  PlacementNotice,
  ThreadData,
} from './device-protocol.ts';
import type { DeviceKind } from './session.ts';

export interface ThreadOptions {
  readonly device: DeviceKind;
  /** A run that takes longer means a wedged device; the process must end and be started anew. */
  readonly hungAfterMs: number;
  /** Called when the device can no longer be trusted: a thread died or hangs, or runs fail one after another. */
  readonly onFatal: (error: Error) => void;
  /** Told for each session on CUDA where its nodes run. */
  readonly onPlaced?: (notice: PlacementNotice) => void;
  /** The module that the thread runs, where it is not device-thread.ts. */
  readonly entry?: URL;
}

export class ThreadHandle {
  readonly #worker: Worker;
  readonly #running = new Map<number, (reply: DeviceReply) => void>();
  readonly #options: ThreadOptions;
  #nextId = 0;
  #closing = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const workerData: ThreadData = { device: options.device };
    const entry = options.entry ?? new URL('./device-thread.ts', import.meta.url);
    this.#worker = new Worker(entry, { workerData, name: 'device' });
    this.#worker.on('message', (reply: DeviceReply | PlacementNotice) => {
      if ('placement' in reply) {
        options.onPlaced?.(reply);
        return;
      }
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

  /** What it was given and has not answered yet. */
  get inHand(): number {
    return this.#running.size;
  }

  /** @throws DeviceError */
  async do(work: DeviceWork): Promise<Extract<DeviceReply, { ok: true }>> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<DeviceReply>();
    this.#running.set(id, resolve);
    const watchdog = setTimeout(() => {
      const { hungAfterMs, onFatal } = this.#options;
      onFatal(new Error(`The device did not finish "${work.kind}" within ${hungAfterMs} ms.`));
    }, this.#options.hungAfterMs);
    this.#worker.postMessage({ id, work } satisfies DeviceRequest);
    const reply = await promise.finally(() => clearTimeout(watchdog));
    if (!reply.ok) throw new DeviceError(reply.reason);
    return reply;
  }

  /** Ends the thread once it is idle; a busy one is waited for, never killed. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.postMessage('close' satisfies DeviceRequest);
    await once(this.#worker, 'exit');
  }
}
