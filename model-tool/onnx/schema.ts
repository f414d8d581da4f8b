/**
 * The messages of onnx.proto (ONNX 1.17, IR version 10) that the model tool reads or changes, with the official field names and
 * numbers. What is not listed (training info, quantisation annotations, sparse tensors) is kept as unknown bytes.
 * A wrong number here would silently drop a part of every model.
 */
import { type Field, type Kind, type Message, type MessageType, messageType } from './wire.ts';

const one = (tag: number, kind: Kind): Field => ({ tag, kind });
const many = (tag: number, kind: Kind): Field => ({ tag, kind, repeated: true });

export interface StringEntry extends Message {
  key?: string;
  value?: string;
}
export const StringEntry: MessageType<StringEntry> = messageType<StringEntry>({
  key: one(1, 'string'),
  value: one(2, 'string'),
});

export interface OperatorSetId extends Message {
  domain?: string;
  version?: bigint;
}
export const OperatorSetId: MessageType<OperatorSetId> = messageType<OperatorSetId>({
  domain: one(1, 'string'),
  version: one(2, 'int64'),
});

export interface TensorProto extends Message {
  dims: number[];
  data_type?: number;
  float_data: Uint8Array[];
  int32_data: Uint8Array[];
  string_data: Uint8Array[];
  int64_data: Uint8Array[];
  name?: string;
  raw_data?: Uint8Array;
  double_data: Uint8Array[];
  uint64_data: Uint8Array[];
  external_data: StringEntry[];
  data_location?: number;
}
export const TensorProto: MessageType<TensorProto> = messageType<TensorProto>({
  dims: many(1, 'int'),
  data_type: one(2, 'int'),
  float_data: one(4, 'packed'),
  int32_data: one(5, 'packed'),
  string_data: many(6, 'bytes'),
  int64_data: one(7, 'packed'),
  name: one(8, 'string'),
  raw_data: one(9, 'bytes'),
  double_data: one(10, 'packed'),
  uint64_data: one(11, 'packed'),
  external_data: many(13, () => StringEntry),
  data_location: one(14, 'int'),
});

export interface Dimension extends Message {
  dim_value?: number;
  dim_param?: string;
}
export const Dimension: MessageType<Dimension> = messageType<Dimension>({
  dim_value: one(1, 'int'),
  dim_param: one(2, 'string'),
});

export interface TensorShape extends Message {
  dim: Dimension[];
}
export const TensorShape: MessageType<TensorShape> = messageType<TensorShape>({
  dim: many(1, () => Dimension),
});

export interface TensorType extends Message {
  elem_type?: number;
  shape?: TensorShape;
}
export const TensorType: MessageType<TensorType> = messageType<TensorType>({
  elem_type: one(1, 'int'),
  shape: one(2, () => TensorShape),
});

/** Sequences and maps are told apart from tensors and otherwise left alone. */
export interface TypeProto extends Message {
  tensor_type?: TensorType;
  sequence_type?: Uint8Array;
  map_type?: Uint8Array;
}
export const TypeProto: MessageType<TypeProto> = messageType<TypeProto>({
  tensor_type: one(1, () => TensorType),
  sequence_type: one(4, 'bytes'),
  map_type: one(5, 'bytes'),
});

export interface ValueInfo extends Message {
  name?: string;
  type?: TypeProto;
}
export const ValueInfo: MessageType<ValueInfo> = messageType<ValueInfo>({
  name: one(1, 'string'),
  type: one(2, () => TypeProto),
});

export interface Attribute extends Message {
  name?: string;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: TensorProto;
  g?: Graph;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: Graph[];
  type?: number;
}
export const Attribute: MessageType<Attribute> = messageType<Attribute>({
  name: one(1, 'string'),
  f: one(2, 'float'),
  i: one(3, 'int64'),
  s: one(4, 'bytes'),
  t: one(5, () => TensorProto),
  g: one(6, () => Graph),
  floats: many(7, 'float'),
  ints: many(8, 'int64'),
  strings: many(9, 'bytes'),
  tensors: many(10, () => TensorProto),
  graphs: many(11, () => Graph),
  type: one(20, 'int'),
});

export interface Node extends Message {
  input: string[];
  output: string[];
  name?: string;
  op_type?: string;
  attribute: Attribute[];
  doc_string?: string;
  domain?: string;
}
export const Node: MessageType<Node> = messageType<Node>({
  input: many(1, 'string'),
  output: many(2, 'string'),
  name: one(3, 'string'),
  op_type: one(4, 'string'),
  attribute: many(5, () => Attribute),
  doc_string: one(6, 'string'),
  domain: one(7, 'string'),
});

export interface Graph extends Message {
  node: Node[];
  name?: string;
  initializer: TensorProto[];
  doc_string?: string;
  input: ValueInfo[];
  output: ValueInfo[];
  value_info: ValueInfo[];
}
export const Graph: MessageType<Graph> = messageType<Graph>({
  node: many(1, () => Node),
  name: one(2, 'string'),
  initializer: many(5, () => TensorProto),
  doc_string: one(10, 'string'),
  input: many(11, () => ValueInfo),
  output: many(12, () => ValueInfo),
  value_info: many(13, () => ValueInfo),
});

/** A model-local function: an operator whose body travels with the model. */
interface ModelFunction extends Message {
  name?: string;
  node: Node[];
  domain?: string;
}
const ModelFunction: MessageType<ModelFunction> = messageType<ModelFunction>({
  name: one(1, 'string'),
  node: many(7, () => Node),
  domain: one(10, 'string'),
});

export interface Model extends Message {
  ir_version?: number;
  producer_name?: string;
  producer_version?: string;
  domain?: string;
  model_version?: bigint;
  doc_string?: string;
  graph?: Graph;
  opset_import: OperatorSetId[];
  metadata_props: StringEntry[];
  functions: ModelFunction[];
}
export const Model: MessageType<Model> = messageType<Model>({
  ir_version: one(1, 'int'),
  producer_name: one(2, 'string'),
  producer_version: one(3, 'string'),
  domain: one(4, 'string'),
  model_version: one(5, 'int64'),
  doc_string: one(6, 'string'),
  graph: one(7, () => Graph),
  opset_import: many(8, () => OperatorSetId),
  metadata_props: many(14, () => StringEntry),
  functions: many(25, () => ModelFunction),
});
