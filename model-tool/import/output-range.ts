/** The range that an enlarging net holds its answers in, where its last operator shows it. */
import { attributeOf, constantNumbers } from '../onnx/graph.ts';
import { madeBy } from '../onnx/made-by.ts';
import type { Graph } from '../onnx/schema.ts';
import type { Scale } from './preprocessing.ts';

const ranges: Readonly<Record<string, Scale>> = { '0,1': '0-1', '-1,1': '-1-1', '0,255': '0-255' };

export function outputRange(graph: Graph, output: string): Scale | undefined {
  const node = madeBy(graph, output);
  if (node?.op_type === 'Sigmoid') return '0-1';
  if (node?.op_type === 'Tanh') return '-1-1';
  if (node?.op_type !== 'Clip') return undefined;
  const [low, high] = (['min', 'max'] as const).map(
    (name, i) => attributeOf(node, name)?.f ?? constantNumbers(graph, node.input[i + 1])?.[0],
  );
  return ranges[`${low},${high}`];
}
