/**
 * How far one output pixel can see, in input pixels: the overlap that makes tiles equal the whole picture bit for
 * bit. Only operators that are known to be local count; one unknown operator makes the answer `undefined`, because an
 * overlap that is too small shows as seams.
 */
import { constantNumbers, constantOf, dependents, intOf, intsOf, stringOf } from './graph.ts';
import type { Graph, Node } from './schema.ts';

/** `pitch`: the distance of two neighbouring values in input pixels (2 after a stride of 2, 1/2 after enlarging). */
interface Reach {
  readonly radius: number;
  readonly pitch: number;
}

const elementwise = new Set(
  'Abs Add BatchNormalization Cast Ceil Celu Clip Concat DequantizeLinear Div Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Max Min Mish Mul Neg PRelu Pow QuantizeLinear Relu Round Selu Sigmoid Sign Softplus Softsign Sqrt Sub Sum Tanh ThresholdedRelu Where'.split(
    ' ',
  ),
);
/** Between NCHW and NHWC: pixels stay where they are. */
const layoutTurns = new Set(['0,3,1,2', '0,2,3,1']);
const SUPPORT = { nearest: 1, linear: 1, cubic: 2 } as const;

/** Radius from `input` to the first output, rounded up; `undefined` where the net looks at the whole picture. */
export function receptiveRadius(graph: Graph, input: string): number | undefined {
  const output = graph.output[0]?.name ?? '';
  const reaches = new Map<string, Reach>([[input, { radius: 0, pitch: 1 }]]);
  const variable = dependents(graph, [input]);
  for (const node of graph.node) {
    const sources = node.input.filter((name) => variable.has(name));
    // What hangs on the shape alone tells nothing about pixels.
    if (sources.length === 0 || node.op_type === 'Shape') continue;
    const known = sources.map((name) => reaches.get(name)).filter((reach) => reach !== undefined);
    if (known.length === 0) continue;
    const from = {
      radius: Math.max(...known.map((r) => r.radius)),
      pitch: Math.min(...known.map((r) => r.pitch)),
    };
    const reach = through(node, from, graph);
    if (reach === undefined) return undefined;
    for (const name of node.output) reaches.set(name, reach);
  }
  const radius = reaches.get(output)?.radius;
  return radius === undefined ? undefined : Math.ceil(radius - 1e-9);
}

function through(node: Node, from: Reach, graph: Graph): Reach | undefined {
  const type = node.op_type ?? '';
  if (elementwise.has(type)) return from;
  const { radius, pitch } = from;
  const stride = Math.max(1, ...(intsOf(node, 'strides') ?? []));
  if (type === 'Conv' || type === 'MaxPool' || type === 'AveragePool') {
    return { radius: radius + pitch * farther(node, graph), pitch: pitch * stride };
  }
  if (type === 'ConvTranspose') {
    const finer = pitch / stride;
    return { radius: radius + finer * Math.max(...extentsOf(node, graph)), pitch: finer };
  }
  if (type === 'DepthToSpace') return { radius, pitch: pitch / (intOf(node, 'blocksize') ?? 1) };
  if (type === 'SpaceToDepth') {
    const block = intOf(node, 'blocksize') ?? 1;
    return { radius: radius + pitch * (block - 1), pitch: pitch * block };
  }
  if (type === 'Resize') {
    const scales = constantNumbers(graph, node.input[2])?.slice(-2);
    if (scales === undefined || scales.length < 2) return undefined;
    const support = SUPPORT[(stringOf(node, 'mode') ?? 'nearest') as keyof typeof SUPPORT];
    return { radius: radius + pitch * support, pitch: pitch / Math.max(...scales) };
  }
  if (type === 'Split' && intOf(node, 'axis') === 1) return from;
  if (type === 'Slice' && constantNumbers(graph, node.input[3])?.join() === '1') return from;
  if (type === 'Transpose' && layoutTurns.has(intsOf(node, 'perm')?.join() ?? '')) return from;
  return undefined;
}

/** Padding on one side only, as simplifiers fold it into a convolution, lets it see farther to that side. */
function farther(node: Node, graph: Graph): number {
  const extents = extentsOf(node, graph);
  if ((stringOf(node, 'auto_pad') ?? 'NOTSET').startsWith('SAME')) return Math.ceil(Math.max(...extents) / 2);
  const pads = intsOf(node, 'pads') ?? [];
  return Math.max(...extents.map((extent, axis) => Math.max(pads[axis] ?? 0, extent - (pads[axis] ?? 0))));
}

/** Values between the first and the last that an operator sees, by axis. */
function extentsOf(node: Node, graph: Graph): number[] {
  const dilations = intsOf(node, 'dilations') ?? [];
  return kernelOf(node, graph).map((size, axis) => (size - 1) * (dilations[axis] ?? 1));
}

function kernelOf(node: Node, graph: Graph): number[] {
  const declared = intsOf(node, 'kernel_shape');
  if (declared !== undefined && declared.length > 0) return declared;
  return constantOf(graph, node.input[1])?.dims.slice(2) ?? [Number.POSITIVE_INFINITY];
}
