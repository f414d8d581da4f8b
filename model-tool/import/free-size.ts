/**
 * Frees the height and width that an exporter baked into a pixel shuffle. Whether the net around it takes other sizes
 * too is proved by running it, not assumed.
 */
import { constantNumbers, intsOf } from '../onnx/graph.ts';
import { Attribute, type Graph, type Node } from '../onnx/schema.ts';
import type { PictureSize } from './options.ts';

const SHUFFLE = '0,1,4,2,5,3';
const STRING = 3;
const INT = 2;

/**
 * Old exporters write a pixel shuffle as Reshape, Transpose, Reshape with the picture's size baked in. One
 * DepthToSpace says the same for any size.
 * @returns the size that was baked in, at the shuffle's input
 */
export function freePixelShuffle(graph: Graph): PictureSize | undefined {
  let baked: PictureSize | undefined;
  for (const split of graph.node.filter(({ op_type }) => op_type === 'Reshape')) {
    const shape = constantNumbers(graph, split.input[1]);
    const turn = onlyReader(graph, split);
    const join = turn === undefined ? undefined : onlyReader(graph, turn);
    if (shape?.length !== 6 || turn === undefined || join?.op_type !== 'Reshape') continue;
    const [, , block = 0, sameBlock, height = 0, width = 0] = shape;
    const joined = constantNumbers(graph, join.input[1]) ?? [];
    const isShuffle =
      intsOf(turn, 'perm')?.join() === SHUFFLE &&
      block === sameBlock &&
      joined.length === 4 &&
      joined[2] === height * block &&
      joined[3] === width * block;
    if (!isShuffle) continue;
    join.op_type = 'DepthToSpace';
    join.input = [split.input[0] ?? ''];
    join.attribute = [
      { ...Attribute.empty(), name: 'blocksize', type: INT, i: BigInt(block) },
      { ...Attribute.empty(), name: 'mode', type: STRING, s: new TextEncoder().encode('CRD') },
    ];
    graph.node = graph.node.filter((node) => node !== split && node !== turn);
    baked = { height, width };
  }
  return baked;
}

function onlyReader(graph: Graph, node: Node): Node | undefined {
  const readers = graph.node.filter(({ input }) => input.includes(node.output[0] ?? ''));
  return readers.length === 1 ? readers[0] : undefined;
}
