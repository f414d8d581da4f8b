/**
 * Frees the batch that an exporter baked into a graph. Each rewrite is a proposal: whether it holds is proved by
 * running several pictures at once against each alone on the untouched model, and what is not proved is not used.
 */
import { GraphBuilder, type Value } from '../graph-builder.ts';
import { constantNumbers, constantOf, dependents, intOf } from '../onnx/graph.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import type { Node } from '../onnx/schema.ts';

/** What takes the batch's place in a Reshape: the first axis of what is reshaped, or whatever is left over. */
export type BatchRule = 0 | -1;

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
  if (!variable.has(node.input[0] ?? '') || shape === undefined || shape[0] !== batch || shape.length < 2)
    return;
  const first = rule === -1 && shape.includes(-1) ? 0 : rule;
  node.input[1] = builder.ints([first, ...shape.slice(1)]);
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
    const dims = constantOf(model.graph, name)?.dims;
    if (dims === undefined || dims.length < 2 || dims[0] !== batch || batch !== 1) return name;
    const ones = builder.ints(dims.slice(1).map(() => 1));
    return builder.add('Expand', [
      name,
      builder.concat([builder.slice(builder.shape(moving), 0, 0, 1), ones], 0),
    ]);
  });
}
