/** Small pictures with known pixels, and a scratch room of their own, for the tests of this folder. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { decodeImage, type Raster } from '../../gpu-worker/image/decode.ts';
import type { Pixels, Room } from '../../gpu-worker/image/pixels.ts';
import { probeImage } from '../../gpu-worker/image/probe.ts';
import { type Sharp, sharp } from '../../gpu-worker/image/sharp.ts';

export interface Raw {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** Every sample another value of a fixed sequence, so that no pixel can be mistaken for its neighbour. */
export function scatteredPixels(width: number, height: number, channels: Raw['channels']): Raw {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 2_654_435_761) >>> 24);
  return { data, width, height, channels };
}

/** One colour everywhere, with alpha where a fourth number is given. */
export function flatPixels(width: number, height: number, color: readonly number[]): Raw {
  const data = Uint8Array.from(
    { length: width * height * color.length },
    (_, i) => color[i % color.length] ?? 0,
  );
  return { data, width, height, channels: color.length as Raw['channels'] };
}

export const asSharp = ({ data, ...raw }: Raw): Sharp => sharp(data, { raw });

export function allBytes(pixels: Pixels): Uint8Array {
  const bytes = new Uint8Array(pixels.width * pixels.height * pixels.channels);
  pixels.readWindow({ left: 0, top: 0, width: pixels.width, height: pixels.height }, bytes);
  return bytes;
}

export function pixelAt(pixels: Pixels, left: number, top: number): number[] {
  const bytes = new Uint8Array(pixels.channels);
  pixels.readWindow({ left, top, width: 1, height: 1 }, bytes);
  return [...bytes];
}

/** `memory` holds every picture of the tests, `scratch` puts even one pixel on disk. */
export async function setupRooms(): Promise<{ memory: Room; scratch: Room; leftFiles(): Promise<string[]> }> {
  const scratchDirectory = await mkdtemp(join(tmpdir(), 'outboard-image-'));
  onTestFinished(() => rm(scratchDirectory, { recursive: true }));
  return {
    memory: { scratchDirectory },
    scratch: { scratchDirectory, maxPixelsInMemory: 0 },
    leftFiles: () => readdir(scratchDirectory),
  };
}

export async function decode(file: Buffer, room: Room): Promise<Raster> {
  return decodeImage(file, await probeImage(file, { maxInputPixels: 5e6 }), room);
}

/** Decodes in memory and through scratch, and expects both to say the same. */
export async function decodeBothWays(file: Buffer): Promise<Raster> {
  const { memory, scratch } = await setupRooms();
  const [held, stored] = [await decode(file, memory), await decode(file, scratch)];
  expect([held.color.location, stored.color.location]).toEqual(['memory', 'scratch']);
  // Not toEqual: it takes seconds to compare megabytes.
  expect(Buffer.compare(allBytes(stored.color), allBytes(held.color))).toBe(0);
  expect(stored.alpha?.channels).toBe(held.alpha?.channels);
  if (stored.alpha && held.alpha) {
    expect(Buffer.compare(allBytes(stored.alpha), allBytes(held.alpha))).toBe(0);
  }
  await stored.dispose();
  return held;
}
