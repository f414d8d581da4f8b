import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Attribute, Model, Node, TensorProto } from '../../model-tool/onnx/schema.ts';
import { dataTypes, numbersOf, tensorProto } from '../../model-tool/onnx/tensor.ts';
import { decode, encode, varintBytes } from '../../model-tool/onnx/wire.ts';

const roundTrip = (node: Node): Node => decode(Node, new Uint8Array(Buffer.concat(encode(Node, node))));

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const attribute = fc.record({
  name: fc.string(),
  i: int64,
  f: fc.float({ noNaN: true }),
  ints: fc.array(int64),
  floats: fc.array(fc.float({ noNaN: true })),
  s: fc.uint8Array(),
});
const node = fc.record({
  input: fc.array(fc.string()),
  output: fc.array(fc.string()),
  op_type: fc.string(),
  attribute: fc.array(attribute.map((fields): Attribute => ({ ...Attribute.empty(), ...fields }))),
});

describe('the protobuf wire format', () => {
  it('gives back every message as it was', () => {
    fc.assert(
      fc.property(node, (fields) => {
        const message: Node = { ...Node.empty(), ...fields };
        expect(roundTrip(message)).toEqual(message);
      }),
    );
  });

  it('keeps fields that the table does not know, in place and to the byte', () => {
    const future = Uint8Array.from([...varintBytes((99 << 3) | 2), 3, 1, 2, 3]);
    const known = Buffer.concat(encode(Node, { ...Node.empty(), op_type: 'Relu' }));
    const message = decode(Node, Buffer.concat([future, known]));
    expect(message.op_type).toBe('Relu');
    expect(Buffer.concat(encode(Node, message)).includes(Buffer.from(future))).toBe(true);
  });

  it('reads repeated numbers packed or one by one', () => {
    const tag = 8 << 3;
    const oneByOne = Uint8Array.from([...varintBytes(tag), 5, ...varintBytes(tag), 6]);
    const packed = Uint8Array.from([...varintBytes(tag | 2), 2, 5, 6]);
    for (const bytes of [oneByOne, packed]) expect(decode(Attribute, bytes).ints).toEqual([5n, 6n]);
  });

  it('carries weights as views of the file and not as copies', () => {
    const tensor = tensorProto('w', 'float32', [2], [1.5, -2]);
    const bytes = new Uint8Array(Buffer.concat(encode(TensorProto, tensor)));
    const { raw_data } = decode(TensorProto, bytes);
    expect(raw_data?.buffer).toBe(bytes.buffer);
    expect(encode(TensorProto, { ...tensor, raw_data: bytes })).toContain(bytes);
  });

  it('never hangs or runs over the end on bytes that are no model', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode(Model, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('constant tensors', () => {
  const stored = (fields: Partial<TensorProto>): TensorProto => ({ ...TensorProto.empty(), ...fields });

  it.each([
    ['raw bytes', tensorProto('t', 'int64', [3], [1, -2, 3])],
    [
      'int64_data',
      stored({ data_type: dataTypes.int64, int64_data: [Uint8Array.from([1, ...varintBytes(-2), 3])] }),
    ],
    [
      'int32_data',
      stored({ data_type: dataTypes.int32, int32_data: [Uint8Array.from([1, ...varintBytes(-2), 3])] }),
    ],
    [
      'float_data',
      stored({
        data_type: dataTypes.float32,
        float_data: [new Uint8Array(Float32Array.of(1, -2, 3).buffer)],
      }),
    ],
    [
      'float16 as int32_data',
      stored({
        data_type: dataTypes.float16,
        int32_data: [Uint8Array.from([0x3c00, 0xc000, 0x4200].flatMap((half) => varintBytes(half)))],
      }),
    ],
  ])('are read from %s', (_, tensor) => {
    expect(numbersOf(tensor)).toEqual([1, -2, 3]);
  });

  it('keep "to the end" the largest int64', () => {
    const { raw_data = new Uint8Array() } = tensorProto('t', 'int64', [1], [2 ** 63]);
    expect(Buffer.from(raw_data).readBigInt64LE()).toBe(2n ** 63n - 1n);
  });
});
