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

/** Sessions by graph and exact shape; each is opened once and used by every run that fits it. */
class SessionCache<Session extends { release(): Promise<void> }> {
  readonly #sessions = new Map<string, Promise<Session>>();

  get(path: string, variant: string, open: () => Promise<Session>): Promise<Session> {
    const key = `${path} ${variant}`;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = open();
      this.#sessions.set(key, session);
      // A failed load may pass (out of memory); the next request tries again.
      session.catch(() => this.#sessions.delete(key));
    }
    return session;
  }

  /** @param variant all of the graph's sessions where it is not given */
  async release(path: string, variant: string | undefined): Promise<void> {
    for (const [key, session] of this.#sessions) {
      if (variant === undefined ? !key.startsWith(`${path} `) : key !== `${path} ${variant}`) continue;
      this.#sessions.delete(key);
      await (await session.catch(() => undefined))?.release();
    }
  }
}

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

async function runPicture({ graph, shape, isLane, input, output }: PictureRun): Promise<Answer> {
  const open = () => openSession(graph, device, isLane ? shape : undefined, placed(graph.path));
  const session = await pictures.get(graph.path, isLane ? variantOf(shape) : 'any', open);
  const { runMs } = await timed(() =>
    session.run(view(input, shape), shape, view(output, shape, graph.scale)),
  );
  return { runMs };
}

async function runTensors({ graph, shape, isLane, scalars, input }: TensorRun): Promise<Answer> {
  const open = () => openTensorSession(graph, device, isLane ? shape : undefined, placed(graph.path));
  const session = await tensors.get(graph.path, isLane ? variantOf(shape) : 'any', open);
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
port.on('message', (request: DeviceRequest) => {
  tail = tail.then(async () => {
    if (request === 'close') port.close();
    else port.postMessage(await answer(request.id, request.work));
  });
});
