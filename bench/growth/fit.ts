/** Whether a cost is linear: a straight line through measurements, and how far they lie from it. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Fit {
  /** Cost of one more. */
  readonly slope: number;
  /** What there is to pay before the first. */
  readonly fixed: number;
  /** Largest distance of a measurement from the line, as a share of the line. */
  readonly worst: number;
}

/** Least squares of relative distances, so that a small measurement counts as much as a large one. */
export function fitLine(points: readonly Point[]): Fit {
  const weighted = points.map(({ x, y }) => ({ x, y, weight: 1 / y ** 2 }));
  const sum = (of: (point: (typeof weighted)[number]) => number) =>
    weighted.reduce((total, point) => total + of(point) * point.weight, 0);
  const [n, x, y, xx, xy] = [
    sum(() => 1),
    sum((point) => point.x),
    sum((point) => point.y),
    sum((point) => point.x ** 2),
    sum((point) => point.x * point.y),
  ];
  const slope = (n * xy - x * y) / (n * xx - x ** 2);
  const fixed = (y - slope * x) / n;
  const distances = points.map((point) => Math.abs(point.y / (fixed + slope * point.x) - 1));
  return { slope, fixed, worst: Math.max(...distances) };
}
