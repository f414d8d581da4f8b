/**
 * What a model declares of its inputs and outputs. Declarations are hints: exporters name dimensions wrongly and
 * outputs grow. Whoever needs the truth runs the model (see import/probe.ts).
 */
import type { Graph, ValueInfo } from './onnx/schema.ts';
import { type DataType, dataTypeName } from './onnx/tensor.ts';

/** A size, or the name of a dimension that varies. */
export type Size = number | string;

export interface Port {
  readonly name: string;
  /** `undefined` for what is no tensor: sequences and maps. */
  readonly type: DataType | undefined;
  /** `undefined` where the model does not even say how many dimensions there are. */
  readonly dims: readonly Size[] | undefined;
}

export type Layout = 'NCHW' | 'NHWC';

export function portOf(value: ValueInfo): Port {
  const tensor = value.type?.tensor_type;
  const dims = tensor?.shape?.dim.map(({ dim_value, dim_param }) =>
    // Some exporters write 0 or -1 where they mean "any".
    dim_value !== undefined && dim_value > 0 ? dim_value : dim_param || '?',
  );
  return { name: value.name ?? '', type: dataTypeName(tensor?.elem_type), dims };
}

/** Inputs that a caller must feed: old models list their weights there too. */
export function inputsOf(graph: Graph): Port[] {
  const weights = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !weights.has(name)).map(portOf);
}

export const outputsOf = (graph: Graph): Port[] => graph.output.map(portOf);

const isChannels = (size: Size | undefined): boolean => size === 1 || size === 3;

/** The layout of a picture of four dimensions, by where its 1 or 3 channels stand; `undefined` if that is open. */
export function layoutOf({ dims }: Port): Layout | undefined {
  if (dims?.length !== 4) return undefined;
  const [first, last] = [isChannels(dims[1]), isChannels(dims[3])];
  if (first === last) return undefined;
  return first ? 'NCHW' : 'NHWC';
}

export const shapeText = ({ dims }: Port): string => (dims === undefined ? '[…]' : `[${dims.join(', ')}]`);
