/** One thread that runs a graph again and again for a while: onnxruntime and nothing else. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LaneSpec } from '../gpu-worker/inference/lane.ts';
import { type DeviceKind, openSession, openTensorSession } from '../gpu-worker/inference/session.ts';

export interface RawRun {
  readonly lane: LaneSpec;
  /** Pictures in a run. */
  readonly batch: number;
  readonly device: DeviceKind;
}

async function open({ lane, batch, device }: RawRun): Promise<() => Promise<unknown>> {
  const { height, width } = lane;
  const shape = { batch, height, width };
  const exact = lane.isUsual ? shape : undefined;
  const input = new Uint8Array(batch * height * width * 3).map((_, index) => (index * 2654435761) >>> 24);
  if (lane.kind === 'tensors') {
    const session = await openTensorSession(lane.graph, device, exact);
    return () => session.run(input, shape, lane.scalars);
  }
  const session = await openSession(lane.graph, device, exact);
  const output = new Uint8Array(input.length * lane.graph.scale ** 2);
  return () => session.run(input, shape, output);
}

const run = await open(workerData as RawRun);
await run();

/** Asked for seconds, answers with runs; asked for nothing, it ends. */
parentPort?.on('message', async (seconds: number | undefined) => {
  if (seconds === undefined) return parentPort?.close();
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  do {
    await run();
    runs += 1;
  } while (performance.now() < end);
  parentPort?.postMessage(runs);
});
parentPort?.postMessage('ready');
