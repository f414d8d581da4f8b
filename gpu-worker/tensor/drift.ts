/**
 * How far what a packaged graph gave is from what it should give. Pure, so that a worker can hold a version against its
 * golden example before it serves.
 */

/** Numbers may differ by rounding in another order; a difference above these is another answer. */
export const tolerances = {
  /** Levels of 255 of an enlarged picture. */
  levels: 1,
  /** Of a class or a detection. */
  score: 1e-3,
  /** Of a corner of a box. */
  pixels: 0.5,
} as const;

/** float16 carries three digits: its tolerances are wider by as much. */
export const FLOAT16_FACTOR = 8;

/** Largest difference of two pictures in levels; infinite where they differ in size. */
export function pictureDrift(expected: Uint8Array, actual: Uint8Array): number {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < expected.length; i += 1) {
    const distance = Math.abs((expected[i] ?? 0) - (actual[i] ?? 0));
    if (distance > most) most = distance;
  }
  return most;
}

export interface RankedClasses {
  readonly class_ids: readonly number[];
  readonly scores: readonly number[];
}

/** Largest difference of scores by rank. Classes may only change places where their scores are as close as that. */
export function classesDrift(expected: RankedClasses, actual: RankedClasses, tolerance: number): number {
  if (expected.scores.length !== actual.scores.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (const [rank, score] of expected.scores.entries()) {
    most = Math.max(most, distance(score, actual.scores[rank]));
    const id = actual.class_ids[rank] ?? -1;
    const scoreOfId = expected.scores[expected.class_ids.indexOf(id)];
    // A class beyond the last rank may tie with it; any other must be where its score puts it.
    const isTieAtEnd = scoreOfId === undefined && distance(score, expected.scores.at(-1)) <= tolerance;
    if (!isTieAtEnd) most = Math.max(most, distance(score, scoreOfId));
  }
  return most;
}

/** Rows of class, score, x1, y1, x2, y2. @returns the largest differences; infinite where one has no partner */
export function detectionsDrift(
  expected: readonly (readonly number[])[],
  actual: readonly (readonly number[])[],
): { score: number; pixels: number } {
  const drift = { score: 0, pixels: 0 };
  const free = new Set(actual);
  if (expected.length !== actual.length)
    return { score: Number.POSITIVE_INFINITY, pixels: Number.POSITIVE_INFINITY };
  for (const row of expected) {
    const partners = [...free].filter((other) => other[0] === row[0]);
    const partner = partners.toSorted((a, b) => apart(row, a) - apart(row, b))[0];
    drift.score = Math.max(drift.score, distance(row[1] ?? 0, partner?.[1]));
    drift.pixels = Math.max(
      drift.pixels,
      partner === undefined ? Number.POSITIVE_INFINITY : apart(row, partner),
    );
    if (partner !== undefined) free.delete(partner);
  }
  return drift;
}

const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...[2, 3, 4, 5].map((at) => distance(a[at] ?? 0, b[at])));

/** NaN is as far from anything as can be: it must never count as equal. */
function distance(a: number, b: number | undefined): number {
  const difference = Math.abs(a - (b ?? Number.NaN));
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}
