/** Plain loops for what the packaged graph does to a classifier's output. */
import type { Activation, Readout } from '../import/classification.ts';

export interface Ranked {
  readonly class_ids: number[];
  readonly scores: number[];
}

/** Scores of one picture, best first; of equals the lower class id first. */
export function ranked(output: Float32Array, { values, classes, activation }: Readout, k: number): Ranked {
  const given = activated([...output], activation);
  const scores = values < classes ? [1 - (given[0] ?? 0), ...given] : given;
  const class_ids = scores.map((_, id) => id).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const best = class_ids.slice(0, k);
  return { class_ids: best, scores: best.map((id) => scores[id] ?? 0) };
}

export function activated(values: readonly number[], activation: Activation): number[] {
  if (activation === 'none') return [...values];
  if (activation === 'sigmoid') return values.map((value) => 1 / (1 + Math.exp(-value)));
  const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
