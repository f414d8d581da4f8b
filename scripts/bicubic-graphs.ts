/**
 * Writes gpu-worker/bicubic/x2.onnx … x8.onnx: bicubic enlargement as a graph, so that the picture beside the network's is made on
 * the device, by the same tiles. It is one convolution with fixed weights: of each channel, factor² filters of 5×5, one for each
 * pixel that a pixel becomes.
 *
 *   node scripts/bicubic-graphs.ts [folder]
 */
import path from 'node:path';
import { GraphBuilder, tensorInfo } from '../model-tool/graph-builder.ts';
import { type LoadedModel, writeModel } from '../model-tool/onnx/model-file.ts';
import { Graph, Model, OperatorSetId } from '../model-tool/onnx/schema.ts';

const [folder = path.resolve(import.meta.dirname, '../gpu-worker/bicubic')] = process.argv.slice(2);
const FACTORS = [2, 3, 4, 5, 6, 7, 8];
const OPSET = 17;
const CHANNELS = 3;
/** The kernel reaches two pixels to each side. */
const REACH = 2;
const SIDE = 2 * REACH + 1;

/** Catmull-Rom (a = −½). @param distance in source pixels */
function weight(distance: number): number {
  const t = Math.abs(distance);
  if (t <= 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}

/** What the pixels around count for each of the `factor` pixels that one becomes, along one axis; centre-aligned. */
const taps = (factor: number): number[][] =>
  Array.from({ length: factor }, (_, place) => {
    const position = (place + 0.5) / factor - 0.5;
    return Array.from({ length: SIDE }, (__, tap) => weight(position - (tap - REACH)));
  });

function bicubicGraph(factor: number): LoadedModel {
  const model: LoadedModel = {
    ...Model.empty(),
    ir_version: 8,
    producer_name: 'outboard',
    opset_import: [{ ...OperatorSetId.empty(), domain: '', version: BigInt(OPSET) }],
    graph: { ...Graph.empty(), name: `bicubic-x${factor}` },
  };
  model.graph.input = [tensorInfo('image', 'uint8', ['batch', 'height', 'width', CHANNELS])];
  const build = new GraphBuilder(model, 'bicubic');
  const along = taps(factor);
  const filters = Array.from({ length: CHANNELS }, () =>
    along.flatMap((down) => along.flatMap((across) => down.flatMap((y) => across.map((x) => x * y)))),
  ).flat();
  const planes = build.cast(build.transpose('image', [0, 3, 1, 2]), 'float32');
  const pads = build.ints([0, 0, REACH, REACH, 0, 0, REACH, REACH]);
  const padded = build.add('Pad', [planes, pads], { mode: 'edge' });
  const weights = build.floats(filters, [CHANNELS * factor ** 2, 1, SIDE, SIDE]);
  const made = build.add('Conv', [padded, weights], { group: CHANNELS, kernel_shape: [SIDE, SIDE] });
  const shuffled = build.add('DepthToSpace', [made], { blocksize: factor, mode: 'CRD' });
  const bytes = build.cast(build.round(build.clip(shuffled, 0, 255)), 'uint8');
  build.called(build.transpose(bytes, [0, 2, 3, 1]), 'enlarged');
  build.append();
  model.graph.output = [
    tensorInfo('enlarged', 'uint8', ['batch', 'enlarged height', 'enlarged width', CHANNELS]),
  ];
  return model;
}

for (const factor of FACTORS) await writeModel(path.join(folder, `x${factor}.onnx`), bicubicGraph(factor));
