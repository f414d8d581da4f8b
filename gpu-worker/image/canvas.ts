/**
 * The enlarged picture while it is put together from tiles. It gives its pixels away only when every one of them
 * was written exactly once, so a forgotten, doubled or misplaced tile can never become a wrong picture.
 */
import type { Window } from '../tensor/tiles.ts';
import { type Channels, createPixels, type Pixels, type Room, type Size } from './pixels.ts';
import { UsedMemory } from './used-memory.ts';

const used = new UsedMemory();

/** @param room where it may live: memory up to a number of pixels, above that a scratch file. */
export async function createCanvas(size: Size, channels: Channels, room: Room): Promise<Canvas> {
  return new Canvas(await createPixels(size, channels, room, used));
}

export class Canvas {
  readonly #pixels: Pixels;
  readonly #written: Window[] = [];
  #area = 0;

  constructor(pixels: Pixels) {
    this.#pixels = pixels;
  }

  /**
   * Copies a part of a tile's output to its place.
   * @param output interleaved rows of `outputWidth` pixels, e.g. one picture of a batch.
   * @param crop the part to take, in pixels of the output.
   * @param at where its top left pixel belongs on the canvas.
   * @throws Error where any of these pixels was written before; an attempt that failed may be repeated.
   */
  writeTile(
    output: Uint8Array,
    outputWidth: number,
    crop: Window,
    at: { readonly left: number; readonly top: number },
  ): void {
    const { width, height } = crop;
    const target = { left: at.left, top: at.top, width, height };
    const twice = this.#written.find((other) => overlaps(other, target));
    if (twice !== undefined) throw new Error(`Written twice: ${describe(target)} over ${describe(twice)}`);

    const { channels } = this.#pixels;
    const last = (crop.top + height - 1) * outputWidth + crop.left + width;
    if (crop.left + width > outputWidth || last * channels > output.length) {
      throw new RangeError(`No ${describe(crop)} in an output of ${outputWidth} columns`);
    }
    const start = (crop.top * outputWidth + crop.left) * channels;
    this.#pixels.writeWindow(target, output, start, outputWidth * channels);
    this.#written.push(target);
    this.#area += width * height;
  }

  /** From 0 to 1. */
  get progress(): number {
    return this.#area / (this.#pixels.width * this.#pixels.height);
  }

  /**
   * The whole picture, still owned by this canvas.
   * @throws Error while any pixel is missing.
   */
  finish(): Pixels {
    const missing = this.#pixels.width * this.#pixels.height - this.#area;
    if (missing !== 0) throw new Error(`${missing} pixels of the canvas were never written`);
    return this.#pixels;
  }

  dispose(): Promise<void> {
    return this.#pixels.dispose();
  }
}

const overlaps = (a: Window, b: Window): boolean =>
  a.left < b.left + b.width &&
  b.left < a.left + a.width &&
  a.top < b.top + b.height &&
  b.top < a.top + a.height;

const describe = ({ left, top, width, height }: Window): string => `${width}×${height} at ${left},${top}`;
