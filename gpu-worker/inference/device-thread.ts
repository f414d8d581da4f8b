/**
 * A device thread: takes one run after another from its port. Being busy here blocks nothing but itself. It must
 * never be terminated or exit during a run (that aborts the whole process): it leaves by the `close` message.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type {
  DeviceReply,
  DeviceRequest,
  DeviceWork,
  PictureRun,
  PlacementNotice,
  TensorRun,
  ThreadData,
} from './device-protocol.ts';
import { type ImageShape, openSession, openTensorSession, type PlainTensors } from './session.ts';

const port = parentPort;
if (port === null) throw new Error('device-thread.ts is started by DevicePool as a worker thread.');
const { device } = workerData as ThreadData;

interface Cached<Session> {
  readonly session: Promise<Session>;
  stays: boolean;
  usedAt: number;
}

/** Sessions by graph and exact shape; each is opened once and used by every run that fits it. */
class SessionCache<Session extends { release(): Promise<void> }> {
  readonly #sessions = new Map<string, Cached<Session>>();

  get(path: string, variant: string, stays: boolean, open: () => Promise<Session>): Promise<Session> {
    const key = `${path} ${variant}`;
    let cached = this.#sessions.get(key);
    if (cached === undefined) {
      cached = { session: open(), stays, usedAt: 0 };
      this.#sessions.set(key, cached);
      // A failed load may pass (out of memory); the next request tries again.
      cached.session.catch(() => this.#sessions.delete(key));
    }
    cached.stays = stays;
    cached.usedAt = performance.now();
    return cached.session;
  }

  /** @param variant all of the graph's sessions where it is not given */
  release(path: string, variant: string | undefined): Promise<void> {
    return this.#releaseWhere((key) =>
      variant === undefined ? key.startsWith(`${path} `) : key === `${path} ${variant}`,
    );
  }

  /** Lets go of those that need not stay and were last used before `since`. */
  releaseIdle(since: number): Promise<void> {
    return this.#releaseWhere((_, { stays, usedAt }) => !stays && usedAt < since);
  }

  async #releaseWhere(goes: (key: string, cached: Cached<Session>) => boolean): Promise<void> {
    for (const [key, cached] of this.#sessions) {
      if (!goes(key, cached)) continue;
      this.#sessions.delete(key);
      await (await cached.session.catch(() => undefined))?.release();
    }
  }
}

/** A session that need not stay is let go after this long without a run. */
const IDLE_MS = 60_000;

const pictures = new SessionCache<Awaited<ReturnType<typeof openSession>>>();
const tensors = new SessionCache<Awaited<ReturnType<typeof openTensorSession>>>();

const variantOf = ({ batch, height, width }: ImageShape): string => `${batch}x${height}x${width}`;

interface Answer {
  readonly runMs: number;
  readonly tensors?: PlainTensors;
}

async function timed<T>(run: () => Promise<T>): Promise<{ readonly runMs: number; readonly result: T }> {
  const start = performance.now();
  const result = await run();
  return { runMs: performance.now() - start, result };
}

const placed = (path: string) => (placement: string) =>
  port.postMessage({ path, placement } satisfies PlacementNotice);

async function runPicture({ graph, shape, isLane, stays, input, output }: PictureRun): Promise<Answer> {
  const open = () => openSession(graph, device, isLane ? shape : undefined, placed(graph.path));
  const session = await pictures.get(graph.path, isLane ? variantOf(shape) : 'any', stays, open);
  const { runMs } = await timed(() =>
    session.run(view(input, shape), shape, view(output, shape, graph.scale)),
  );
  return { runMs };
}

async function runTensors({ graph, shape, isLane, stays, scalars, input }: TensorRun): Promise<Answer> {
  const open = () => openTensorSession(graph, device, isLane ? shape : undefined, placed(graph.path));
  const session = await tensors.get(graph.path, isLane ? variantOf(shape) : 'any', stays, open);
  const { runMs, result } = await timed(() => session.run(view(input, shape), shape, scalars));
  return { runMs, tensors: result };
}

const view = (buffer: SharedArrayBuffer, { batch, height, width }: ImageShape, scale = 1): Uint8Array =>
  new Uint8Array(buffer, 0, batch * height * width * scale * scale * 3);

async function work(task: DeviceWork): Promise<Answer> {
  if (task.kind === 'tensors') return runTensors(task);
  if (task.kind === 'picture') return runPicture(task);
  const variant = task.shape && variantOf(task.shape);
  await Promise.all([pictures.release(task.path, variant), tensors.release(task.path, variant)]);
  return { runMs: 0 };
}

async function answer(id: number, task: DeviceWork): Promise<DeviceReply> {
  try {
    return { id, ok: true, ...(await work(task)) };
  } catch (error) {
    return { id, ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

let tail: Promise<unknown> = Promise.resolve();
const letGo = async () => {
  const since = performance.now() - IDLE_MS;
  await Promise.all([pictures.releaseIdle(since), tensors.releaseIdle(since)]);
};
// On a GPU what is let go would have to be planned anew.
if (device === 'cpu') setInterval(() => (tail = tail.then(letGo)), IDLE_MS / 4).unref();
port.on('message', (request: DeviceRequest) => {
  tail = tail.then(async () => {
    if (request === 'close') port.close();
    else port.postMessage(await answer(request.id, request.work));
  });
});
