/**
 * Frees the batch that an exporter baked into a graph. Each rewrite is a proposal: whether it holds is proved by
 * running several pictures at once against each alone on the untouched model, and what is not proved is not used.
 */
import { GraphBuilder, type Value } from '../graph-builder.ts';
import { constantNumbers, constantOf, dependents, intOf } from '../onnx/graph.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import type { Node } from '../onnx/schema.ts';

/**
 * What takes the batch's place in a Reshape: the first axis of what is reshaped, or whatever is left over. What is left
 * over also where the first axis counts parts of pictures (`windows`, of attention), or where the batch is in the
 * second of three axes, times the heads (`sequence-first`, PyTorch's MultiheadAttention).
 */
export type BatchRule = 0 | -1 | 'windows' | 'sequence-first';

interface Baked {
  readonly model: LoadedModel;
  readonly builder: GraphBuilder;
  readonly variable: ReadonlySet<string>;
  /** The batch that was baked in. */
  readonly batch: number;
  readonly rule: BatchRule;
}

const rewrites: Readonly<Record<string, (node: Node, baked: Baked) => void>> = {
  Reshape: freeReshape,
  Resize: freeResize,
  Concat: freeConcat,
};

/** @param input name of the picture input; only what depends on it has a batch */
export function freeBatch(model: LoadedModel, input: string, batch: number, rule: BatchRule): void {
  const { graph } = model;
  const builder = new GraphBuilder(model, 'batch');
  const baked = { model, builder, variable: dependents(graph, [input]), batch, rule };
  graph.node = graph.node.flatMap((node) => {
    if (node.output.some((name) => baked.variable.has(name))) rewrites[node.op_type ?? '']?.(node, baked);
    return [...builder.take(), node];
  });
}

function freeReshape(node: Node, { model, builder, variable, batch, rule }: Baked): void {
  const shape = constantNumbers(model.graph, node.input[1]);
  if (!variable.has(node.input[0] ?? '') || shape === undefined || shape.length < 2) return;
  const isOpen = shape.includes(-1);
  if (shape[0] === batch) node.input[1] = builder.ints([rule === 0 || isOpen ? 0 : -1, ...shape.slice(1)]);
  else if (isOpen || typeof rule === 'number') return;
  else node.input[1] = builder.ints(shape.with(rule === 'sequence-first' && shape.length === 3 ? 1 : 0, -1));
  // Newer exporters say that a 0 means nothing at all; here it means the axis as it is.
  node.attribute = node.attribute.filter(({ name }) => name !== 'allowzero');
}

/** A Resize to a constant size names the batch too. */
function freeResize(node: Node, { model, builder, batch }: Baked): void {
  const [image = '', , , sizes] = node.input;
  const target = constantNumbers(model.graph, sizes);
  if (target?.length !== 4 || target[0] !== batch) return;
  const kept = builder.slice(builder.shape(image), 0, 0, 2);
  node.input[3] = builder.concat([kept, builder.ints(target.slice(2))], 0);
}

/** A constant that is joined to every picture (the class token of a transformer) was stored once for each. */
function freeConcat(node: Node, { model, builder, variable, batch }: Baked): void {
  const moving = node.input.find((name) => variable.has(name));
  if (moving === undefined || intOf(node, 'axis') === 0) return;
  node.input = node.input.map((name): Value => {
    // Weights say that they were stored for one picture; of what is computed from weights the proof will tell.
    const dims = constantOf(model.graph, name)?.dims;
    const isOfOne = dims === undefined ? !variable.has(name) : dims.length > 1 && dims[0] === batch;
    if (!isOfOne || batch !== 1) return name;
    const count = builder.slice(builder.shape(moving), 0, 0, 1);
    const rest = builder.slice(builder.shape(name), 0, 1, Number.MAX_SAFE_INTEGER);
    return builder.add('Expand', [name, builder.concat([count, rest], 0)]);
  });
}
