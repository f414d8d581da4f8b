/**
 * Writes nodes around a model: each method adds one operator and returns the name of what it computes. Forms are
 * those that hold from operator set 13 to today; that is why an older model is upgraded first, and why operators whose form
 * changed since (ReduceMax, Split) are not here.
 */
import type { LoadedModel } from './onnx/model-file.ts';
import {
  Attribute,
  Dimension,
  type Graph,
  Node,
  TensorShape,
  TensorType,
  TypeProto,
  ValueInfo,
} from './onnx/schema.ts';
import { type DataType, dataTypes, tensorProto } from './onnx/tensor.ts';

/** The name of a value in the graph. */
export type Value = string;
type AttributeValue = number | string | readonly number[];

const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

export class GraphBuilder {
  readonly #graph: Graph;
  readonly #nodes: Node[] = [];
  readonly #prefix: string;
  #count = 0;

  /** @param part a word that makes the names unique and tells where they came from */
  constructor(model: LoadedModel, part: string) {
    this.#graph = model.graph;
    this.#prefix = `outboard/${part}`;
  }

  /** The nodes written so far, for the caller to place; the builder goes on without them. */
  take(): Node[] {
    return this.#nodes.splice(0);
  }

  /** Puts the nodes before those of the model. */
  prepend(): void {
    this.#graph.node.unshift(...this.take());
  }

  /** Puts the nodes after those of the model. */
  append(): void {
    this.#graph.node.push(...this.take());
  }

  add(
    op_type: string,
    input: readonly Value[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    output: readonly Value[] = [this.#name(op_type)],
  ): Value {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.#nodes.push({
      ...Node.empty(),
      name: this.#name(op_type),
      op_type,
      input: [...input],
      output: [...output],
      attribute,
    });
    return output[0] ?? '';
  }

  constant(type: 'float32' | 'int64' | 'uint8', dims: readonly number[], values: ArrayLike<number>): Value {
    const name = this.#name('constant');
    this.#graph.initializer.push(tensorProto(name, type, dims, values));
    return name;
  }

  floats(values: readonly number[], dims: readonly number[] = [values.length]): Value {
    return this.constant('float32', dims, values);
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): Value {
    return this.constant('int64', dims, values);
  }

  /** The value under a name that the outside knows. */
  called(value: Value, name: Value): Value {
    return this.add('Identity', [value], {}, [name]);
  }

  cast(value: Value, to: DataType): Value {
    return this.add('Cast', [value], { to: dataTypes[to] });
  }

  transpose(value: Value, perm: readonly number[]): Value {
    return this.add('Transpose', [value], { perm });
  }

  sum(a: Value, b: Value): Value {
    return this.add('Add', [a, b]);
  }

  difference(a: Value, b: Value): Value {
    return this.add('Sub', [a, b]);
  }

  product(a: Value, b: Value): Value {
    return this.add('Mul', [a, b]);
  }

  matMul(a: Value, b: Value): Value {
    return this.add('MatMul', [a, b]);
  }

  clip(value: Value, low: number, high: number): Value {
    return this.add('Clip', [value, this.floats([low], []), this.floats([high], [])]);
  }

  round(value: Value): Value {
    return this.add('Round', [value]);
  }

  softmax(value: Value, axis: number): Value {
    return this.add('Softmax', [value], { axis });
  }

  sigmoid(value: Value): Value {
    return this.add('Sigmoid', [value]);
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.add('Concat', values, { axis });
  }

  /** Picks positions of one axis; the axis stays. */
  pick(value: Value, indices: readonly number[], axis: number): Value {
    return this.add('Gather', [value, this.ints(indices)], { axis });
  }

  gather(value: Value, indices: Value, axis: number): Value {
    return this.add('Gather', [value, indices], { axis });
  }

  gatherNd(value: Value, indices: Value): Value {
    return this.add('GatherND', [value, indices]);
  }

  /** `from` inclusive to `to` exclusive, along the axis. */
  slice(value: Value, axis: number, from: number, to: number): Value {
    return this.add('Slice', [value, this.ints([from]), this.ints([to]), this.ints([axis])]);
  }

  reshape(value: Value, dims: readonly number[]): Value {
    return this.add('Reshape', [value, this.ints(dims)]);
  }

  unsqueeze(value: Value, axis: number): Value {
    return this.add('Unsqueeze', [value, this.ints([axis])]);
  }

  shape(value: Value): Value {
    return this.add('Shape', [value]);
  }

  /** Largest first along the last axis. @param count int64 of shape [1] */
  topK(value: Value, count: Value): { values: Value; indices: Value } {
    const [values, indices] = [this.#name('values'), this.#name('indices')];
    this.add('TopK', [value, count], { axis: -1, largest: 1, sorted: 1 }, [values, indices]);
    return { values, indices };
  }

  /** Enlarges NCHW by whole factors; bicubic with a = -0.5, pixel centres aligned. */
  resizeCubic(value: Value, scale: number): Value {
    return this.add('Resize', [value, '', this.floats([1, 1, scale, scale])], {
      mode: 'cubic',
      coordinate_transformation_mode: 'half_pixel',
      cubic_coeff_a: -0.5,
    });
  }

  /**
   * Rows (batch, class, box) of what is kept.
   * @param boxes float [batch, n, 4], corners · @param scores float [batch, classes, n]
   */
  nonMaxSuppression(boxes: Value, scores: Value, most: number, iou: Value, score: Value): Value {
    return this.add('NonMaxSuppression', [boxes, scores, this.ints([most]), iou, score]);
  }

  #name(kind: string): Value {
    this.#count += 1;
    return `${this.#prefix}/${kind.toLowerCase()}-${this.#count}`;
  }
}

function attributeOf(name: string, value: AttributeValue): Attribute {
  const attribute = { ...Attribute.empty(), name };
  if (typeof value === 'string') return { ...attribute, type: STRING, s: new TextEncoder().encode(value) };
  if (typeof value !== 'number') return { ...attribute, type: INTS, ints: value.map(BigInt) };
  // ONNX tells 1 from 1.0: of the float attributes used here none takes a whole value.
  return Number.isInteger(value)
    ? { ...attribute, type: INT, i: BigInt(value) }
    : { ...attribute, type: FLOAT, f: value };
}

/** The declaration of a graph's input or output; a dimension is a size, or the name of one that varies. */
export function tensorInfo(name: string, type: DataType, dims: readonly (number | string)[]): ValueInfo {
  const dim = dims.map((size) =>
    typeof size === 'number'
      ? { ...Dimension.empty(), dim_value: size }
      : { ...Dimension.empty(), dim_param: size },
  );
  const shape = { ...TensorShape.empty(), dim };
  const tensor_type = { ...TensorType.empty(), elem_type: dataTypes[type], shape };
  return { ...ValueInfo.empty(), name, type: { ...TypeProto.empty(), tensor_type } };
}
