/**
 * How each operator whose form changed between operator sets 7 and 13 is said in the words of 13. An operator that is
 * not in these tables means the same in both.
 */
import { Refusal } from '../refusal.ts';
import { attributeOf, intOf, intsOf, stringOf } from './graph.ts';
import { Attribute, Node } from './schema.ts';

/** What a rewrite may do: add constants, and put nodes around the one at hand. */
export interface Rewrite {
  readonly opset: number;
  /** `float` is the float type that the model computes in. */
  readonly constant: (type: 'float' | 'float32' | 'int64', dims: number[], values: number[]) => string;
  /** A value name that is not taken. */
  readonly name: () => string;
}

const drop = (node: Node, ...names: string[]): void => {
  node.attribute = node.attribute.filter(({ name }) => !names.includes(name ?? ''));
};

/** Moves a list of integers from an attribute into input `index`. */
function moveInts(node: Node, name: string, index: number, { constant }: Rewrite): void {
  const values = intsOf(node, name);
  if (values === undefined || values.length === 0) return;
  setInput(node, index, constant('int64', [values.length], values));
  drop(node, name);
}

function setInput(node: Node, index: number, value: string): void {
  while (node.input.length < index) node.input.push('');
  node.input[index] = value;
}

/**
 * Before 13 softmax ran over all axes from `axis` on, flattened into one; later over the one axis alone. The old
 * meaning in new words: flatten, softmax over the last axis, and back to the shape it had.
 */
function flattenedSoftmax(node: Node, { name }: Rewrite): Node[] {
  const [input = ''] = node.input;
  const [output = ''] = node.output;
  const axis = intOf(node, 'axis') ?? 1;
  if (axis === -1) return [node];
  const flat = name();
  const shape = name();
  const normal = name();
  const flatten = newNode('Flatten', [input], flat);
  setInt(flatten, 'axis', axis);
  setInt(node, 'axis', -1);
  node.input = [flat];
  node.output = [normal];
  return [flatten, newNode('Shape', [input], shape), node, newNode('Reshape', [normal, shape], output)];
}

const newNode = (op_type: string, input: string[], output: string): Node => ({
  ...Node.empty(),
  op_type,
  input,
  output: [output],
});

function setInt(node: Node, name: string, value: number): void {
  drop(node, name);
  node.attribute.push({ ...Attribute.empty(), name, type: 2, i: BigInt(value) });
}

function setString(node: Node, name: string, value: string): void {
  drop(node, name);
  node.attribute.push({ ...Attribute.empty(), name, type: 3, s: new TextEncoder().encode(value) });
}

/** Operators that stay one. */
export const rewrites: Readonly<Record<string, (node: Node, rewrite: Rewrite) => void>> = {
  BatchNormalization: (node) => {
    if (intOf(node, 'spatial') === 0)
      throw new Refusal('BatchNormalization with spatial=0 is not supported.');
    drop(node, 'spatial');
    node.output = node.output.slice(0, 1);
  },
  Clip: (node, { opset, constant }) => {
    if (opset >= 11) return;
    for (const [index, name] of [
      [1, 'min'],
      [2, 'max'],
    ] as const) {
      const limit = attributeOf(node, name)?.f;
      if (limit !== undefined) setInput(node, index, constant('float', [], [limit]));
    }
    drop(node, 'min', 'max');
  },
  Dropout: (node) => {
    drop(node, 'ratio', 'is_test', 'seed');
    node.output = node.output.slice(0, 1);
  },
  Pad: (node, rewrite) => {
    if (rewrite.opset >= 11) return;
    moveInts(node, 'pads', 1, rewrite);
    setInput(node, 2, rewrite.constant('float', [], [attributeOf(node, 'value')?.f ?? 0]));
    drop(node, 'value');
  },
  ReduceSum: (node, rewrite) => moveInts(node, 'axes', 1, rewrite),
  Resize: (node, { opset }) => {
    if (opset < 11) resizeLikeVersion10(node);
  },
  Scatter: (node) => {
    node.op_type = 'ScatterElements';
  },
  Slice: (node, rewrite) => {
    if (rewrite.opset >= 10) return;
    moveInts(node, 'starts', 1, rewrite);
    moveInts(node, 'ends', 2, rewrite);
    moveInts(node, 'axes', 3, rewrite);
  },
  Split: (node, rewrite) => moveInts(node, 'split', 1, rewrite),
  Squeeze: (node, rewrite) => moveInts(node, 'axes', 1, rewrite),
  TopK: (node, { opset, constant }) => {
    if (opset >= 10) return;
    setInput(node, 1, constant('int64', [1], [intOf(node, 'k') ?? 1]));
    drop(node, 'k');
  },
  Unsqueeze: (node, rewrite) => moveInts(node, 'axes', 1, rewrite),
  Upsample: (node, { opset, constant }) => {
    node.op_type = 'Resize';
    if (opset < 9) {
      const scales = attributeOf(node, 'scales')?.floats ?? [];
      node.input = [node.input[0] ?? '', constant('float32', [scales.length], scales)];
      drop(node, 'scales');
    }
    resizeLikeVersion10(node);
  },
};

/** Version 10 knew no rules for coordinates: what onnxruntime does for it is `asymmetric` and rounding down. */
function resizeLikeVersion10(node: Node): void {
  const [image = '', scales = ''] = node.input;
  node.input = [image, '', scales];
  setString(node, 'coordinate_transformation_mode', 'asymmetric');
  if ((stringOf(node, 'mode') ?? 'nearest') === 'nearest') setString(node, 'nearest_mode', 'floor');
}

/** Multiplies, then adds one number a channel. Gone since version 10; Core ML's converter wrote it. */
function imageScaler(node: Node, { constant, name }: Rewrite): Node[] {
  const bias = attributeOf(node, 'bias')?.floats ?? [];
  const scaled = name();
  const scale = constant('float', [], [attributeOf(node, 'scale')?.f ?? 1]);
  const shift = constant('float', [1, bias.length, 1, 1], bias);
  return [
    newNode('Mul', [node.input[0] ?? '', scale], scaled),
    newNode('Add', [scaled, shift], node.output[0] ?? ''),
  ];
}

/** alpha × value + beta. Gone since version 10. */
function affine(node: Node, { constant, name }: Rewrite): Node[] {
  const scaled = name();
  const numbers = (attribute: string, usual: number) =>
    constant('float', [], [attributeOf(node, attribute)?.f ?? usual]);
  return [
    newNode('Mul', [node.input[0] ?? '', numbers('alpha', 1)], scaled),
    newNode('Add', [scaled, numbers('beta', 0)], node.output[0] ?? ''),
  ];
}

/** Takes a border away: left, top, right, bottom. Gone since version 10. */
function crop(node: Node, { constant }: Rewrite): Node[] {
  const [left = 0, top = 0, right = 0, bottom = 0] = intsOf(node, 'border') ?? [];
  const to = (border: number) => (border === 0 ? Number.MAX_SAFE_INTEGER : -border);
  const pairs = [
    [top, left],
    [to(bottom), to(right)],
    [2, 3],
  ].map((pair) => constant('int64', [2], pair));
  return [newNode('Slice', [node.input[0] ?? '', ...pairs], node.output[0] ?? '')];
}

/** Operators that become several. */
export const expansions: Readonly<Record<string, (node: Node, rewrite: Rewrite) => Node[]>> = {
  Affine: affine,
  Crop: crop,
  Hardmax: flattenedSoftmax,
  ImageScaler: imageScaler,
  LogSoftmax: flattenedSoftmax,
  Softmax: flattenedSoftmax,
};
