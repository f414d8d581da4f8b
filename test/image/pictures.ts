/** Small pictures with known pixels, and a scratch room of their own, for the tests of this folder. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Pixels, Room } from '../../gpu-worker/image/pixels.ts';
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
