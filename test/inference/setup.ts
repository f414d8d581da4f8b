/** Device pools for tests, with the bundled small network and with one that fails on purpose. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { RunReport } from '../../gpu-worker/inference/batcher.ts';
import { DevicePool } from '../../gpu-worker/inference/device-pool.ts';
import type { LaneSpec } from '../../gpu-worker/inference/lane.ts';
import { bundledEnlarger } from '../../local/bundled-models.ts';
import { GraphBuilder, tensorInfo } from '../../model-tool/graph-builder.ts';
import { writeModel } from '../../model-tool/onnx/model-file.ts';
import { emptyModel } from '../model-tool/tiny-models.ts';
import type { Faults } from './faulty-session.ts';

type PictureLane = Extract<LaneSpec, { kind: 'picture' }>;

export const turnOf = (job: string, tenant = 'tenant') =>
  ({ tenant, job, priority: 'normal', deadline: 0 }) as const;

type Options = Partial<ConstructorParameters<typeof DevicePool>[0]> & { readonly faults?: Faults };

/** One thread, so that what waits can form batches; closed when the test ends. */
export function openPool({ faults, ...options }: Options = {}) {
  if (faults !== undefined) process.env.OUTBOARD_TEST_FAULTS = JSON.stringify(faults);
  const runs: RunReport[] = [];
  const fatal: Error[] = [];
  const device = new DevicePool({
    device: 'cpu',
    threads: 1,
    hungAfterMs: 60_000,
    onFatal: (error) => fatal.push(error),
    onRun: (run) => runs.push(run),
    ...(faults === undefined ? {} : { entry: new URL('./faulty-thread.ts', import.meta.url) }),
    ...options,
  });
  onTestFinished(() => device.close());
  /** The picture's way through the lane. */
  const enlarge = (lane: PictureLane, input: Uint8Array, more: { job?: string; signal?: AbortSignal } = {}) =>
    device.enlarge({
      lane,
      turn: turnOf(more.job ?? 'job'),
      signal: more.signal ?? new AbortController().signal,
      fill: (room) => room.set(input),
      read: (output) => output.slice(),
    });
  return { device, runs, fatal, enlarge };
}

/** Bytes that look like chance and are the same every time. */
export const noise = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => ((index + 1) * 2_654_435_761 * (seed + 1)) >>> 24);

/** A lane of the bundled enlarger. */
export async function enlargerLane(side: number): Promise<PictureLane> {
  const { manifest, folder } = await bundledEnlarger('super-resolution-tiny');
  const graph = manifest.graphs.find(({ scale }) => scale === 2);
  if (graph === undefined) throw new Error('no graph');
  return {
    kind: 'picture',
    graph: {
      path: path.join(folder, graph.file),
      inputName: graph.input.name,
      outputName: graph.output.name,
      scale: 2,
    },
    height: side,
    width: side,
    batch: 'dynamic',
    isUsual: true,
  };
}

export const POISON = 255;

/**
 * A network that gives every picture back as it is, but throws at run time where a picture's first byte is 255: that
 * byte is an index into a table of 255 places. onnxruntime finds out in the middle of the run, whatever else is in it.
 * @returns its file; its input is `image`, its output `same`
 */
export async function writePoisonable(): Promise<string> {
  const model = emptyModel();
  const shape = ['batch', 'height', 'width', 3];
  model.graph.input = [tensorInfo('image', 'uint8', shape)];
  model.graph.output = [tensorInfo('same', 'uint8', shape)];
  const builder = new GraphBuilder(model, 'poison');
  const corner = [1, 2, 3].reduce((value, axis) => builder.slice(value, axis, 0, 1), 'image');
  const table = builder.floats(Array<number>(255).fill(0));
  const nothing = builder.gather(table, builder.cast(corner, 'int64'), 0);
  const sum = builder.sum(builder.cast('image', 'float32'), nothing);
  builder.called(builder.cast(sum, 'uint8'), 'same');
  builder.append();
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'outboard-test-')), 'poison.onnx');
  await writeModel(file, model);
  return file;
}

/** The lane of that network. */
export async function poisonableLane(side: number): Promise<PictureLane> {
  return {
    kind: 'picture',
    graph: { path: await writePoisonable(), inputName: 'image', outputName: 'same', scale: 1 },
    height: side,
    width: side,
    batch: 'dynamic',
    isUsual: true,
  };
}
