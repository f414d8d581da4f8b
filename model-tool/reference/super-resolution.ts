/** Plain loops for what the packaged graph does to an enlarging net's output; colour by a bicubic of its own. */

import type { Preprocessing, Scale } from '../import/preprocessing.ts';
import type { Luma } from '../import/super-resolution.ts';
import { fromRange, type Picture } from './preprocess.ts';

/** @param output the net's output for this one picture, in the net's own layout */
export function enlargedPicture(
  picture: Picture,
  output: Float32Array,
  factor: number,
  wanted: Preprocessing,
  outputScale: Scale,
  luma: Luma,
): Picture {
  const [height, width] = [picture.height * factor, picture.width * factor];
  const { channels, layout, order } = wanted;
  const value = (pixel: number, channel: number) =>
    fromRange(
      output[layout === 'NCHW' ? channel * height * width + pixel : pixel * channels + channel] ?? 0,
      outputScale,
    );
  const pixels = new Uint8ClampedArray(height * width * 3);
  const colour = channels === 1 ? chroma(picture).map((plane) => bicubic(plane, picture, factor)) : [];
  for (let pixel = 0; pixel < height * width; pixel += 1) {
    const rgb =
      channels === 1
        ? toRgb(value(pixel, 0), colour[0]?.[pixel] ?? 0, colour[1]?.[pixel] ?? 0, luma)
        : [0, 1, 2].map((c) => value(pixel, order === 'bgr' ? 2 - c : c));
    pixels.set(rgb, pixel * 3);
  }
  return { height, width, pixels: new Uint8Array(pixels.buffer) };
}

/** Brightness of a pixel as the net takes it: weights of R, G, B, and what is added. */
export const brightness = (luma: Luma): { weights: readonly number[]; dark: number } =>
  luma === 'full'
    ? { weights: [0.299, 0.587, 0.114], dark: 0 }
    : { weights: [65.481 / 255, 128.553 / 255, 24.966 / 255], dark: 16 };

/** Blueness and redness without offset, full range: the range cancels out, since both ways use the same. */
function chroma({ pixels, height, width }: Picture): [Float64Array, Float64Array] {
  const planes: [Float64Array, Float64Array] = [
    new Float64Array(height * width),
    new Float64Array(height * width),
  ];
  for (let pixel = 0; pixel < height * width; pixel += 1) {
    const [r = 0, g = 0, b = 0] = pixels.subarray(pixel * 3, pixel * 3 + 3);
    planes[0][pixel] = -0.168736 * r - 0.331264 * g + 0.5 * b;
    planes[1][pixel] = 0.5 * r - 0.418688 * g - 0.081312 * b;
  }
  return planes;
}

function toRgb(y: number, cb: number, cr: number, luma: Luma): number[] {
  const light = luma === 'full' ? y : ((y - 16) * 255) / 219;
  return [light + 1.402 * cr, light - 0.344136 * cb - 0.714136 * cr, light + 1.772 * cb];
}

/** Keys' cubic with a = -0.5, pixel centres aligned, edges repeated. */
function bicubic(plane: Float64Array, { height, width }: Picture, factor: number): Float64Array {
  const rows = alongRows(plane, height, width, factor);
  const turned = transposed(rows, height, width * factor);
  return transposed(alongRows(turned, width * factor, height, factor), width * factor, height * factor);
}

function alongRows(plane: Float64Array, height: number, width: number, factor: number): Float64Array {
  const wide = new Float64Array(height * width * factor);
  for (let x = 0; x < width * factor; x += 1) {
    const centre = (x + 0.5) / factor - 0.5;
    const left = Math.floor(centre) - 1;
    for (let y = 0; y < height; y += 1) {
      let sum = 0;
      for (let tap = left; tap < left + 4; tap += 1) {
        sum += keys(centre - tap) * (plane[y * width + Math.min(width - 1, Math.max(0, tap))] ?? 0);
      }
      wide[y * width * factor + x] = sum;
    }
  }
  return wide;
}

function keys(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return 1.5 * d ** 3 - 2.5 * d ** 2 + 1;
  return d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;
}

function transposed(plane: Float64Array, height: number, width: number): Float64Array {
  const turned = new Float64Array(plane.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) turned[x * height + y] = plane[y * width + x] ?? 0;
  }
  return turned;
}
