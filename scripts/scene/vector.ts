/** Points, colours and noise for the drawn harbour. The noise depends on its place alone: same place, same value. */
export type Vec = readonly [x: number, y: number, z: number];
export type Color = Vec;

export const add = (a: Vec, b: Vec, k = 1): Vec => [a[0] + b[0] * k, a[1] + b[1] * k, a[2] + b[2] * k];
export const times = (a: Vec, b: Vec): Vec => [a[0] * b[0], a[1] * b[1], a[2] * b[2]];
export const scaled = (a: Vec, k: number): Vec => [a[0] * k, a[1] * k, a[2] * k];
export const mix = (a: Vec, b: Vec, k: number): Vec => add(scaled(a, 1 - k), b, k);
export const dot = (a: Vec, b: Vec): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const unit = (a: Vec): Vec => scaled(a, 1 / Math.hypot(...a));
export const clamp = (x: number, low = 0, high = 1): number => Math.min(high, Math.max(low, x));
export const smooth = (low: number, high: number, x: number): number => {
  const t = clamp((x - low) / (high - low));
  return t * t * (3 - 2 * t);
};
export const modulo = (x: number, n: number): number => x - n * Math.floor(x / n);

/** From 0 to 1, the same for the same cell. */
export function hash(x: number, y: number): number {
  let h = Math.imul(x | 0, 374761393) ^ Math.imul(y | 0, 668265263);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
export function noise(x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [smooth(0, 1, x - left), smooth(0, 1, y - top)];
  const row = (at: number) => hash(left, at) * (1 - u) + hash(left + 1, at) * u;
  return row(top) * (1 - v) + row(top + 1) * v;
}
export function clouds(x: number, y: number, octaves: number): number {
  let [sum, weight] = [0, 0.5];
  for (let octave = 0; octave < octaves; octave++, weight /= 2) {
    sum += weight * noise(x * 2 ** octave + octave * 17, y * 2 ** octave);
  }
  return sum;
}
