/** What the numbers of a value come from, past the operators that only move them. */
import type { Graph, Node } from './schema.ts';

/** Operators that leave every number as it is. */
const PASSES_ON = new Set(
  'Cast DepthToSpace Flatten Identity Reshape Slice Squeeze Transpose Unsqueeze'.split(' '),
);

export function madeBy(graph: Graph, value: string): Node | undefined {
  const node = graph.node.find(({ output }) => output.includes(value));
  return node !== undefined && PASSES_ON.has(node.op_type ?? '') ? madeBy(graph, node.input[0] ?? '') : node;
}
