/**
 * Pictures made by arithmetic, the same on every machine: something to run every model on when nobody gives a
 * picture. They have what photographs have: soft shades, edges at all angles, fine texture, saturated colour.
 */

import type { PictureSize } from '../import/options.ts';
import type { Picture } from '../reference/preprocess.ts';

type Rgb = readonly [number, number, number];
/** Colour of 0 to 1 at a place of 0 to 1. */
type Painter = (u: number, v: number, x: number, y: number) => Rgb;

export const builtInPictures = (size: PictureSize): Picture[] =>
  [discs, weave, noise].map((painter) => painted(size, painter));

function painted({ height, width }: PictureSize, painter: Painter): Picture {
  const pixels = new Uint8ClampedArray(height * width * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [r, g, b] = painter(x / width, y / height, x, y);
      pixels.set([r * 255, g * 255, b * 255], (y * width + x) * 3);
    }
  }
  return { height, width, pixels: new Uint8Array(pixels.buffer) };
}

/** A shaded sky with a light and a dark disc and a slanted bar. */
const discs: Painter = (u, v) => {
  if (Math.hypot(u - 0.3, v - 0.35) < 0.18) return [0.95, 0.85, 0.2];
  if (Math.hypot(u - 0.68, v - 0.62) < 0.22) return [0.15 + 0.3 * u, 0.1, 0.35 * v];
  if (Math.abs(u - 0.5 * v - 0.45) < 0.03) return [0.9, 0.95, 1];
  return [0.2 + 0.5 * v, 0.45 + 0.3 * v, 0.9 - 0.4 * v];
};

/** Two sets of waves across each other, finer to the right and below. */
const weave: Painter = (u, v) => [
  0.5 + 0.45 * Math.sin(40 * u * (1 + u)),
  0.5 + 0.45 * Math.sin(40 * v * (1 + v) + 6 * u),
  0.5 + 0.4 * Math.sin(25 * (u + v)),
];

/** Blocks of chance over soft shade. */
const noise: Painter = (u, v, x, y) => {
  const chance = (salt: number) =>
    (Math.imul((x >> 2) * 374761393 + (y >> 2) * 668265263 + salt, 1274126177) >>> 8) / 2 ** 24;
  return [0.6 * chance(1) + 0.4 * u, 0.6 * chance(2) + 0.4 * v, 0.6 * chance(3) + 0.2];
};
