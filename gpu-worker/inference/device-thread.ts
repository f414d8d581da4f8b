/**
 * A device thread: takes one run after another from its port. Being busy here blocks nothing but itself. It must
 * never be terminated or exit during a run (that aborts the whole process): it leaves by the `close` message.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { DeviceReply, DeviceRequest, ThreadData } from './device-protocol.ts';
import { type GraphFile, type ImageShape, openSession, type Session } from './session.ts';

const port = parentPort;
if (port === null) throw new Error('device-thread.ts is started by DevicePool as a worker thread.');
const { device } = workerData as ThreadData;

/** Lanes: one session for each exact tile shape, and one without a fixed shape for pictures smaller than a tile. */
const sessions = new Map<string, Promise<Session>>();

function sessionFor(graph: GraphFile, shape: ImageShape, isLane: boolean): Promise<Session> {
  const key = isLane ? `${graph.path} ${shape.batch}x${shape.height}x${shape.width}` : graph.path;
  let session = sessions.get(key);
  if (session === undefined) {
    session = openSession(graph, device, isLane ? shape : undefined);
    sessions.set(key, session);
    // A failed load may pass (out of memory); the next request tries again.
    session.catch(() => sessions.delete(key));
  }
  return session;
}

async function run({
  id,
  graph,
  shape,
  isLane,
  input,
  output,
}: DeviceRequest & { kind: 'run' }): Promise<DeviceReply> {
  try {
    const session = await sessionFor(graph, shape, isLane);
    const start = performance.now();
    await session.run(
      new Uint8Array(input, 0, byteLength(shape, 1)),
      shape,
      new Uint8Array(output, 0, byteLength(shape, graph.scale)),
    );
    return { id, ok: true, computeMs: performance.now() - start };
  } catch (error) {
    return { id, ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

const byteLength = ({ batch, height, width }: ImageShape, scale: number) =>
  batch * height * width * scale * scale * 3;

let tail: Promise<unknown> = Promise.resolve();
port.on('message', (request: DeviceRequest) => {
  if (request.kind === 'close') {
    tail = tail.then(() => port.close());
    return;
  }
  tail = tail.then(async () => port.postMessage(await run(request)));
});
