/**
 * Constant tensors: the six places where ONNX may keep numbers, read as one typed array, and the other way round.
 * Reading copies, so it is for shapes, axes and small tables; weights are never read here.
 */
import { Refusal } from '../refusal.ts';
import { TensorProto } from './schema.ts';
import { decode, type Message, messageType, varintBytes } from './wire.ts';

/** Numbers of TensorProto.DataType. */
export const dataTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

export type DataType = keyof typeof dataTypes;

export const dataTypeName = (code: number | undefined): DataType | undefined =>
  (Object.keys(dataTypes) as DataType[]).find((name) => dataTypes[name] === code);

/** Bytes of one element of the types that `numbersOf` reads. */
const readers: Partial<Record<DataType, { size: number; get: (view: DataView, at: number) => number }>> = {
  float32: { size: 4, get: (view, at) => view.getFloat32(at, true) },
  float64: { size: 8, get: (view, at) => view.getFloat64(at, true) },
  float16: { size: 2, get: (view, at) => view.getFloat16(at, true) },
  int64: { size: 8, get: (view, at) => Number(view.getBigInt64(at, true)) },
  int32: { size: 4, get: (view, at) => view.getInt32(at, true) },
  int8: { size: 1, get: (view, at) => view.getInt8(at) },
  uint8: { size: 1, get: (view, at) => view.getUint8(at) },
  bool: { size: 1, get: (view, at) => view.getUint8(at) },
};

interface Varints extends Message {
  values: bigint[];
}
const Varints = messageType<Varints>({ values: { tag: 1, kind: 'int64', repeated: true } });

const varintsOf = (chunks: readonly Uint8Array[]): number[] =>
  chunks.flatMap((chunk) => {
    const header = Uint8Array.from([(1 << 3) | 2, ...varintBytes(chunk.length)]);
    return decode(Varints, Buffer.concat([header, chunk])).values.map(Number);
  });

/** The values of a small constant. int64 beyond 2^53 loses its last digits, which only "to the end" uses. */
export function numbersOf(tensor: TensorProto): number[] {
  const type = dataTypeName(tensor.data_type) ?? 'string';
  const reader = readers[type];
  if (reader === undefined)
    throw new Refusal(`The constant ${tensor.name} is of type ${type}, not a number.`);
  if (tensor.int64_data.length > 0) return varintsOf(tensor.int64_data);
  if (tensor.int32_data.length > 0) {
    const values = varintsOf(tensor.int32_data);
    return type === 'float16' ? [...new Float16Array(Uint16Array.from(values).buffer)] : values;
  }
  const chunks = [tensor.float_data, tensor.double_data].find((list) => list.length > 0);
  const bytes = chunks === undefined ? (tensor.raw_data ?? new Uint8Array()) : Buffer.concat(chunks);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / reader.size }, (_, i) => reader.get(view, i * reader.size));
}

const LARGEST = 2n ** 63n - 1n;

/** "To the end" is the largest int64, which as a number has become one too many. */
const toInt64 = (value: number): bigint => {
  const whole = BigInt(value);
  return whole > LARGEST ? LARGEST : whole;
};

const encoders = {
  float32: (values: ArrayLike<number>) => Float32Array.from(values),
  float16: (values: ArrayLike<number>) => Float16Array.from(values),
  int64: (values: ArrayLike<number>) => BigInt64Array.from(Array.from(values, toInt64)),
  uint8: (values: ArrayLike<number>) => Uint8Array.from(values),
} as const;

/** A constant of the given values, row-major. */
export function tensorProto(
  name: string,
  type: keyof typeof encoders,
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  const raw_data = new Uint8Array(encoders[type](values).buffer);
  return { ...TensorProto.empty(), name, dims: [...dims], data_type: dataTypes[type], raw_data };
}

export const elementCount = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
