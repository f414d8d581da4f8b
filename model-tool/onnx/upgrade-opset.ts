/**
 * Lifts a model written in operators of version 7 to 12 to version 13. A graph has one version for all its nodes, so
 * the nodes that fold pre- and post-processing in could otherwise have to be written in seven dialects, and some
 * (non-maximum suppression, rounding) do not exist in the old ones. ONNX functions with an import of their own are no
 * way out: their version must agree with the model's. The table lists every operator whose form changed between 7 and
 * 13; anything of 13 and later is left as it is.
 */
import { Refusal } from '../refusal.ts';
import { attributeOf, bodiesOf, intOf, intsOf, isStandard, opsetOf, stringOf } from './graph.ts';
import { type LoadedModel, tensorsOf } from './model-file.ts';
import { Attribute, type Graph, Node, OperatorSetId } from './schema.ts';
import { dataTypes, elementCount, tensorProto } from './tensor.ts';

const OLDEST = 7;
const TARGET = 13;
const IR_VERSION = 8;

/** What a rewrite may do: add constants, and put nodes around the one at hand. */
interface Rewrite {
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

const rewrites: Readonly<Record<string, (node: Node, rewrite: Rewrite) => void>> = {
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

/** @throws Refusal where the model is older than version 7 */
export function refuseTooOld(model: LoadedModel): void {
  const opset = opsetOf(model);
  if (opset >= OLDEST) return;
  throw new Refusal(
    `The model is written in ONNX operator set ${opset}; onnxruntime and this tool start at ${OLDEST}. Export it again with a newer one (torch.onnx.export(…, opset_version=17)).`,
  );
}

export function upgradeOpset(model: LoadedModel): void {
  const opset = opsetOf(model);
  model.ir_version = Math.max(model.ir_version ?? 0, IR_VERSION);
  if (opset >= TARGET) return;
  let count = 0;
  const name = () => `outboard/upgrade/${count++}`;
  const float = floatTypeOf(model.graph);
  const constant: Rewrite['constant'] = (type, dims, values) => {
    const constantName = name();
    const tensor = tensorProto(constantName, type === 'float' ? float : type, dims, values);
    model.graph.initializer.push(tensor);
    return constantName;
  };
  upgradeNodes(model.graph, { opset, constant, name });
  model.opset_import = [
    ...model.opset_import.filter(({ domain }) => !isStandard(domain)),
    { ...OperatorSetId.empty(), domain: '', version: BigInt(TARGET) },
  ];
}

/** Old forms hold limits and fill values as float32 attributes; as inputs they must be of the type of the data. */
function floatTypeOf(graph: Graph): 'float32' | 'float16' {
  const numbers = { [dataTypes.float32]: 0, [dataTypes.float16]: 0 };
  for (const { data_type, dims } of tensorsOf(graph)) {
    if (data_type === dataTypes.float32 || data_type === dataTypes.float16)
      numbers[data_type] += elementCount(dims);
  }
  return numbers[dataTypes.float16] > numbers[dataTypes.float32] ? 'float16' : 'float32';
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
const expansions: Readonly<Record<string, (node: Node, rewrite: Rewrite) => Node[]>> = {
  Crop: crop,
  Hardmax: flattenedSoftmax,
  ImageScaler: imageScaler,
  LogSoftmax: flattenedSoftmax,
  Softmax: flattenedSoftmax,
};

function upgradeNodes(graph: Graph, rewrite: Rewrite): void {
  graph.node = graph.node.flatMap((node) => {
    for (const body of bodiesOf(node)) upgradeNodes(body, rewrite);
    if (!isStandard(node.domain)) return [node];
    const expand = expansions[node.op_type ?? ''];
    if (expand !== undefined) return expand(node, rewrite);
    rewrites[node.op_type ?? '']?.(node, rewrite);
    return [node];
  });
}
