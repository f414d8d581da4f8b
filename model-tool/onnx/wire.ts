/**
 * The protobuf wire format, driven by a table of fields. Own code because it is smaller than what it replaces: code
 * generated from onnx.proto3 by protobufjs is some 8,000 lines and copies every weight, while this keeps `bytes` and
 * packed numbers as views of the file. Fields that the table does not know are carried along untouched: a model
 * written by a newer exporter must come out as it went in.
 */

/** `int64` is a bigint, `int` a number (sizes, enums); `packed` stays encoded: the chunks of a repeated number. */
export type Kind = 'int' | 'int64' | 'float' | 'string' | 'bytes' | 'packed' | (() => MessageType<object>);

export interface Field {
  readonly tag: number;
  readonly kind: Kind;
  readonly repeated?: true;
}

export interface MessageType<T extends object> {
  readonly fields: ReadonlyMap<number, readonly [string, Field]>;
  /** A message with no field set: every repeated field an empty list. */
  readonly empty: () => T;
}

/** What every message carries: fields outside the table, each with its tag, as they were. */
export interface Message {
  unknown: Uint8Array[];
}

type Loose = Record<string, unknown> & Message;

export function messageType<T extends Message>(
  fields: Readonly<Record<Exclude<keyof T, 'unknown'>, Field>>,
): MessageType<T> {
  const entries = Object.entries<Field>(fields);
  return {
    fields: new Map(entries.map(([name, field]) => [field.tag, [name, field]])),
    empty: () => {
      const lists = entries
        .filter(([, field]) => field.repeated || field.kind === 'packed')
        .map(([name]) => [name, []]);
      return { ...Object.fromEntries(lists), unknown: [] } as T;
    },
  };
}

const utf8 = new TextDecoder();
const utf8Bytes = new TextEncoder();

/** @throws RangeError where the bytes are not a message (cut short, or of another kind) */
export function decode<T extends object>(type: MessageType<T>, bytes: Uint8Array): T {
  const message = type.empty();
  const loose = message as unknown as Loose;
  const reader = new Reader(bytes);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const key = Number(reader.varint());
    const known = type.fields.get(key >>> 3);
    if (known === undefined) {
      reader.payload(key & 7);
      loose.unknown.push(bytes.subarray(start, reader.at));
      continue;
    }
    const [name, { kind, repeated }] = known;
    if (kind === 'packed') {
      (loose[name] as Uint8Array[]).push(reader.payload(key & 7));
    } else if (repeated) {
      readInto(loose[name] as unknown[], reader, kind, key & 7);
    } else {
      loose[name] = reader.value(kind);
    }
  }
  return message;
}

/** Repeated numbers may come one by one or packed into one payload; readers must take both. */
function readInto(list: unknown[], reader: Reader, kind: Kind, wireType: number): void {
  const isNumber = kind === 'int' || kind === 'int64' || kind === 'float';
  if (!(isNumber && wireType === 2)) {
    list.push(reader.value(kind));
    return;
  }
  const packed = new Reader(reader.payload(2));
  while (packed.at < packed.bytes.length) list.push(packed.value(kind));
}

class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#view.getUint8(this.at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new RangeError('A number runs over ten bytes.');
  }

  /** The bytes of one value, whatever it is; the length prefix is not part of them. */
  payload(wireType: number): Uint8Array {
    let start = this.at;
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.at += 8;
    else if (wireType === 5) this.at += 4;
    else if (wireType === 2) {
      const length = Number(this.varint());
      start = this.at;
      this.at += length;
    } else throw new RangeError(`There is no wire type ${wireType}.`);
    if (this.at < start || this.at > this.bytes.length) throw new RangeError('A field runs over the end.');
    return this.bytes.subarray(start, this.at);
  }

  value(kind: Kind): unknown {
    if (kind === 'int') return Number(this.varint());
    if (kind === 'int64') return this.varint();
    if (kind === 'float') {
      this.at += 4;
      return this.#view.getFloat32(this.at - 4, true);
    }
    const payload = this.payload(2);
    if (kind === 'string') return utf8.decode(payload);
    return typeof kind === 'function' ? decode(kind(), payload) : payload;
  }
}

/** The message as chunks to write one after another; large payloads are the caller's own arrays, not copies. */
export function encode<T extends object>(type: MessageType<T>, message: T): Uint8Array[] {
  const loose = message as unknown as Loose;
  const chunks: Uint8Array[] = [];
  for (const [tag, [name, { kind, repeated }]] of type.fields) {
    const value = loose[name];
    if (value === undefined) continue;
    if (kind === 'packed') {
      const parts = value as Uint8Array[];
      if (parts.length > 0) chunks.push(...prefixed(tag, parts));
    } else {
      for (const one of repeated ? (value as unknown[]) : [value])
        chunks.push(...encodeField(tag, kind, one));
    }
  }
  return [...chunks, ...loose.unknown];
}

function encodeField(tag: number, kind: Kind, value: unknown): Uint8Array[] {
  if (kind === 'int' || kind === 'int64') {
    return [Uint8Array.from([...varintBytes(tag << 3), ...varintBytes(value as number | bigint)])];
  }
  if (kind === 'float') {
    const bytes = new Uint8Array(Float32Array.of(value as number).buffer);
    return [Uint8Array.from([...varintBytes((tag << 3) | 5), ...bytes])];
  }
  if (kind === 'string') return prefixed(tag, [utf8Bytes.encode(value as string)]);
  return prefixed(tag, typeof kind === 'function' ? encode(kind(), value as object) : [value as Uint8Array]);
}

function prefixed(tag: number, parts: Uint8Array[]): Uint8Array[] {
  return [Uint8Array.from([...varintBytes((tag << 3) | 2), ...varintBytes(byteLength(parts))]), ...parts];
}

export function varintBytes(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

export const byteLength = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0);
