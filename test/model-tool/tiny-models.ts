/**
 * Models of a few kilobytes in the forms that exporters write, made with the tool's own writer: what they answer is
 * planted, so that a test knows it. All take pictures of 64×64 unless a test says otherwise.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder, tensorInfo, type Value } from '../../model-tool/graph-builder.ts';
import { type LoadedModel, writeModel } from '../../model-tool/onnx/model-file.ts';
import { Graph, Model, OperatorSetId, StringEntry } from '../../model-tool/onnx/schema.ts';
import type { DataType } from '../../model-tool/onnx/tensor.ts';
import type { Size } from '../../model-tool/signature.ts';

export const SIDE = 64;
/** Cells of the grids of strides 8, 16 and 32 over a picture of 64×64. */
export const CELLS = 64 + 16 + 4;

export function emptyModel(opset = 17): LoadedModel {
  const opset_import = [{ ...OperatorSetId.empty(), domain: '', version: BigInt(opset) }];
  return {
    ...Model.empty(),
    ir_version: 8,
    producer_name: 'tiny',
    opset_import,
    graph: { ...Graph.empty(), name: 'g' },
  };
}

export const metadata = (key: string, value: string): StringEntry => ({ ...StringEntry.empty(), key, value });

export async function saved(model: LoadedModel): Promise<{ file: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'outboard-test-'));
  const file = join(folder, 'export.onnx');
  await writeModel(file, model);
  return { file, folder };
}

/** Numbers between -1 and 1 that look like chance and are the same every time. */
export const noise = (count: number, seed = 1): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * seed) * 0.999);

interface NetOptions {
  readonly opset?: number;
  readonly batch?: Size;
  readonly channels?: 1 | 3;
  readonly type?: DataType;
}

/** A model with the picture input `x` (NCHW) declared, and the builder to go on with. */
export function net({ opset = 17, batch = 1, channels = 3, type = 'float32' }: NetOptions = {}) {
  const model = emptyModel(opset);
  model.graph.input = [tensorInfo('x', type, [batch, channels, SIDE, SIDE])];
  const builder = new GraphBuilder(model, 'net');
  const finish = (
    outputs: Readonly<Record<string, readonly [Value, DataType, readonly Size[]]>>,
  ): LoadedModel => {
    for (const [name, [value]] of Object.entries(outputs)) builder.called(value, name);
    builder.append();
    model.graph.output = Object.entries(outputs).map(([name, [, dataType, dims]]) =>
      tensorInfo(name, dataType, dims),
    );
    return model;
  };
  return { model, builder, finish };
}

/** 192 numbers a picture that depend on it, with the batch of 1 baked into the shape. */
export function features(builder: GraphBuilder, input: Value = 'x'): Value {
  const pooled = builder.add('AveragePool', [input], { kernel_shape: [8, 8], strides: [8, 8] });
  return builder.reshape(pooled, [1, 192]);
}

/** [1, rows, values]: the table given, moved a little by the picture. */
export function table(builder: GraphBuilder, rows: readonly (readonly number[])[], strength = 1e-4): Value {
  const values = rows[0]?.length ?? 0;
  const weights = builder.floats(
    noise(192 * rows.length * values).map((w) => w * strength),
    [192, rows.length * values],
  );
  const moved = builder.reshape(builder.matMul(features(builder), weights), [1, rows.length, values]);
  return builder.sum(moved, builder.floats(rows.flat(), [1, rows.length, values]));
}

interface Planted {
  readonly row: number;
  readonly classId: number;
  readonly score: number;
  /** Centre and size in pixels. */
  readonly box: readonly [number, number, number, number];
}

const planted: readonly Planted[] = [
  { row: 3, classId: 2, score: 0.9, box: [20, 24, 10, 12] },
  { row: 4, classId: 2, score: 0.8, box: [20.5, 24, 10, 12] },
  { row: 5, classId: 0, score: 0.7, box: [20, 24, 10, 12] },
  { row: 60, classId: 1, score: 0.6, box: [44, 40, 16, 20] },
];

/** What suppression must leave of them: class, score, corners. Row 4 is the same thing as row 3, row 5 another class. */
export const found = [
  [2, 0.9, 15, 18, 25, 30],
  [0, 0.7, 15, 18, 25, 30],
  [1, 0.6, 36, 30, 52, 50],
];

/** Rows of box and class scores with the planted things among many faint ones. */
export function plantedRows(
  count: number,
  classes: number,
  row: (box: readonly number[], scores: number[]) => number[],
): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const thing = planted.find((one) => one.row === i);
    const scores = Array.from({ length: classes }, (_, c) => (thing?.classId === c ? thing.score : 0.01));
    return row(thing?.box ?? [(i * 7) % SIDE, (i * 13) % SIDE, 6 + (i % 5), 5 + (i % 7)], scores);
  });
}
