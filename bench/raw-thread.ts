/** One thread that runs a graph again and again for a while: onnxruntime and nothing else. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  type DeviceKind,
  type GraphFile,
  type ImageShape,
  openSession,
} from '../gpu-worker/inference/session.ts';

export interface RawRun {
  readonly graph: GraphFile;
  readonly shape: ImageShape;
  readonly isLane: boolean;
  readonly device: DeviceKind;
}

const { graph, shape, isLane, device } = workerData as RawRun;
const { batch, height, width } = shape;
const session = await openSession(graph, device, isLane ? shape : undefined);
const input = new Uint8Array(batch * height * width * 3).map((_, index) => (index * 2654435761) >>> 24);
const output = new Uint8Array(input.length * graph.scale ** 2);
await session.run(input, shape, output);

/** Asked for seconds, answers with runs; asked for nothing, it ends. */
parentPort?.on('message', async (seconds: number | undefined) => {
  if (seconds === undefined) return parentPort?.close();
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  do {
    await session.run(input, shape, output);
    runs += 1;
  } while (performance.now() < end);
  parentPort?.postMessage(runs);
});
parentPort?.postMessage('ready');
