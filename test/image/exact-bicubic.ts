/** Bicubic enlargement by its definition, for tests. */
import type { Raw } from './pictures.ts';

/** Catmull-Rom, a = −½. */
function weight(distance: number): number {
  const t = Math.abs(distance);
  if (t <= 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}

/** The definition, one sample at a time, exact: centre-aligned, edges repeated. */
export function exactBicubic({ data, width, height, channels }: Raw, factor: number): Float64Array {
  const at = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const out = new Float64Array(width * factor * height * factor * channels);
  for (let i = 0; i < out.length; i++) {
    const pixel = Math.floor(i / channels);
    const x = ((pixel % (width * factor)) + 0.5) / factor - 0.5;
    const y = (Math.floor(pixel / (width * factor)) + 0.5) / factor - 0.5;
    let sum = 0;
    for (let row = Math.floor(y) - 1; row <= Math.floor(y) + 2; row++) {
      for (let column = Math.floor(x) - 1; column <= Math.floor(x) + 2; column++) {
        const place = (at(row, height) * width + at(column, width)) * channels + (i % channels);
        sum += weight(y - row) * weight(x - column) * (data[place] ?? Number.NaN);
      }
    }
    out[i] = Math.min(Math.max(sum, 0), 255);
  }
  return out;
}
