/**
 * Thresholds for checking a detector at which no decision is close. A box whose score lies within rounding of the
 * threshold may come or go, and two boxes that overlap by just the limit may or may not suppress each other: at such a
 * point two right answers differ.
 */
import type { Candidate } from '../reference/detection-heads.ts';
import { confident, overlap } from '../reference/suppress.ts';

const MOST_DETECTIONS = 60;
const FLOOR = 1e-4;

export interface Thresholds {
  readonly score: number;
  readonly iou: number;
}

/** @param scoreGap distance of the threshold's neighbours that rounding cannot bridge */
export function clearThresholds(pictures: readonly (readonly Candidate[])[], scoreGap: number): Thresholds {
  const score = clearScore(
    pictures.map((candidates) => confident(candidates, FLOOR).map((detection) => detection.score)),
    scoreGap,
  );
  const iou = [0.45, 0.5, 0.55, 0.4, 0.6, 0.65, 0.35, 0.7].find((limit) =>
    pictures.every((candidates) => isClear(candidates, score, limit)),
  );
  return { score, iou: iou ?? 0.45 };
}

/** The widest gap between scores that leaves some detections, and not too many, above it. */
function clearScore(scores: readonly (readonly number[])[], wanted: number): number {
  const all = scores.flat().sort((a, b) => b - a);
  let best = { gap: 0, at: 0.25 };
  for (const [i, upper] of all.slice(0, MOST_DETECTIONS * scores.length).entries()) {
    const lower = all[i + 1] ?? 0;
    // Later gaps keep more detections: any that is wide enough beats the ones before it.
    if (upper - lower >= Math.min(best.gap, wanted)) best = { gap: upper - lower, at: (upper + lower) / 2 };
  }
  return best.at;
}

function isClear(candidates: readonly Candidate[], score: number, limit: number): boolean {
  const detections = confident(candidates, score);
  return detections.every((a, i) =>
    detections
      .slice(i + 1)
      .every((b) => a.classId !== b.classId || Math.abs(overlap(a.box, b.box) - limit) > 2e-3),
  );
}
