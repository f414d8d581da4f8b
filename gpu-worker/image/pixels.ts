/**
 * Raw 8-bit pixels that rows are copied into and out of. Small pictures lie in memory, larger ones in a libvips
 * `.v` scratch file, so that memory never grows with the picture. Nothing here looks at a pixel: every move is a
 * copy of one row's bytes, and a loop over pixels would cost more than the network.
 */
import { randomUUID } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Window } from '../tensor/tiles.ts';
import { type Sharp, type SharpOptions, sharp } from './sharp.ts';
import type { UsedMemory } from './used-memory.ts';

/** 3 = interleaved RGB in sRGB, 1 = one plane (alpha). */
export type Channels = 1 | 3;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where pixels may live. */
export interface Room {
  /** An existing folder on a local disk; files in it are removed by `dispose`. Undefined where no picture needs it. */
  readonly scratchDirectory: string | undefined;
  /** Pictures of more pixels than this go to the scratch folder. */
  readonly maxPixelsInMemory?: number;
}

/** Above this a scratch file costs little beside the network's work, and memory is what runs out first. */
export const MAX_PIXELS_IN_MEMORY = 8_000_000;

export interface Pixels extends Size {
  readonly channels: Channels;
  readonly location: 'memory' | 'scratch';
  /** Copies a window's rows, one after another, into `into` (width × height × channels bytes, also shared memory). */
  readWindow(window: Window, into: Uint8Array): void;
  /** Copies rows that lie `stride` bytes apart in `from`, beginning at byte `start`, to where the window is. */
  writeWindow(window: Window, from: Uint8Array, start?: number, stride?: number): void;
  /** What sharp reads these pixels from. */
  input(): SharpInput;
  /** Frees memory or removes the file; a second call does nothing. */
  dispose(): Promise<void>;
}

export type SharpInput = readonly [source: string | Buffer, options: SharpOptions];

export const openPixels = (pixels: Pixels): Sharp => sharp(...pixels.input());

export const fitsInMemory = ({ width, height }: Size, room: Room): boolean =>
  width * height <= (room.maxPixelsInMemory ?? MAX_PIXELS_IN_MEMORY);

/**
 * A new picture, all zero.
 * @param used where given, memory comes from there and returns to it: its bytes are then anything until they are written
 */
export async function createPixels(
  size: Size,
  channels: Channels,
  room: Room,
  used?: UsedMemory,
): Promise<Pixels> {
  if (fitsInMemory(size, room)) {
    const length = size.width * size.height * channels;
    return new MemoryPixels(size, channels, used?.take(length) ?? new Uint8Array(length), used);
  }
  const path = scratchPath(room);
  const file = await open(path, 'wx+');
  try {
    await file.write(vipsHeader(size, channels), 0, HEADER_BYTES, 0);
    await file.truncate(HEADER_BYTES + size.width * size.height * channels);
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  return new ScratchPixels(size, channels, path, file);
}

/** A new name in the room's folder. */
export function scratchPath({ scratchDirectory }: Room, extension = 'v'): string {
  if (scratchDirectory === undefined)
    throw new Error('A picture that was planned to lie in memory wants a file');
  return join(scratchDirectory, `${randomUUID()}.${extension}`);
}

/** Takes over a `.v` file that libvips wrote. */
export async function openScratch(path: string, size: Size, channels: Channels): Promise<Pixels> {
  return new ScratchPixels(size, channels, path, await open(path, 'r+'));
}

export class MemoryPixels implements Pixels {
  readonly location = 'memory';
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  #bytes: Uint8Array;
  readonly #used: UsedMemory | undefined;

  /** @param used gets the bytes when the pixels are disposed of */
  constructor({ width, height }: Size, channels: Channels, bytes: Uint8Array, used?: UsedMemory) {
    if (bytes.length !== width * height * channels) throw new RangeError('Pixels of another size');
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.#bytes = bytes;
    this.#used = used;
  }

  readWindow(window: Window, into: Uint8Array): void {
    for (const { offset, at, length } of runs(this, window, window.width * this.channels)) {
      into.set(this.#bytes.subarray(offset, offset + length), at);
    }
  }

  writeWindow(window: Window, from: Uint8Array, start = 0, stride = window.width * this.channels): void {
    for (const { offset, at, length } of runs(this, window, stride)) {
      this.#bytes.set(from.subarray(start + at, start + at + length), offset);
    }
  }

  input(): SharpInput {
    const { width, height, channels } = this;
    const { buffer, byteOffset, byteLength } = this.#bytes;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    return [bytes, { raw: { width, height, channels }, limitInputPixels: false }];
  }

  async dispose(): Promise<void> {
    const bytes = this.#bytes;
    this.#bytes = new Uint8Array();
    if (bytes.length > 0) this.#used?.give(bytes);
  }
}

class ScratchPixels implements Pixels {
  readonly location = 'scratch';
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly #path: string;
  #file: FileHandle | undefined;

  constructor({ width, height }: Size, channels: Channels, path: string, file: FileHandle) {
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.#path = path;
    this.#file = file;
  }

  // Blocking calls: these pages are in the page cache, where one thread-pool trip a row would cost ten times more.
  readWindow(window: Window, into: Uint8Array): void {
    const fd = this.#fd();
    for (const { offset, at, length } of runs(this, window, window.width * this.channels)) {
      const read = readSync(fd, into, at, length, HEADER_BYTES + offset);
      if (read !== length) throw new Error('A scratch file is shorter than its picture');
    }
  }

  writeWindow(window: Window, from: Uint8Array, start = 0, stride = window.width * this.channels): void {
    const fd = this.#fd();
    for (const { offset, at, length } of runs(this, window, stride)) {
      const written = writeSync(fd, from, start + at, length, HEADER_BYTES + offset);
      if (written !== length) throw new Error('The disk took only a part of a row');
    }
  }

  input(): SharpInput {
    return [this.#path, { limitInputPixels: false }];
  }

  async dispose(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.close();
    await rm(this.#path, { force: true });
  }

  #fd(): number {
    if (this.#file === undefined) throw new Error('These pixels were disposed of');
    return this.#file.fd;
  }
}

interface Run {
  /** Where these bytes lie in the picture. */
  readonly offset: number;
  /** Where they lie in the caller's buffer, from its start. */
  readonly at: number;
  readonly length: number;
}

/** The contiguous runs of a window: one for each row, or a single one for whole rows that follow one another. */
function* runs(
  pixels: Pick<Pixels, 'width' | 'height' | 'channels'>,
  window: Window,
  stride: number,
): Generator<Run> {
  const { left, top, width, height } = window;
  const fits = left >= 0 && top >= 0 && left + width <= pixels.width && top + height <= pixels.height;
  if (!fits) throw new RangeError(`No window ${width}×${height} at ${left},${top} in this picture`);
  const length = width * pixels.channels;
  const offset = (top * pixels.width + left) * pixels.channels;
  if (width === pixels.width && stride === length) {
    yield { offset, at: 0, length: length * height };
    return;
  }
  for (let row = 0; row < height; row++) {
    yield { offset: offset + row * pixels.width * pixels.channels, at: row * stride, length };
  }
}

const HEADER_BYTES = 64;

/** The fixed part of libvips' own format; all that follows is the pixels. */
function vipsHeader({ width, height }: Size, channels: Channels): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(0xb6a6f208, 0);
  // Width, height, bands, bits; then format uchar and coding none, which are 0; then sRGB or grey.
  for (const [index, value] of [width, height, channels, 8, 0, 0, channels === 3 ? 22 : 1].entries()) {
    header.writeUInt32LE(value, 4 + index * 4);
  }
  header.writeFloatLE(1, 32);
  header.writeFloatLE(1, 36);
  return header;
}
