/** Non-maximum suppression in plain loops: greedy by score, class by class. */
import type { Box, Candidate } from './detection-heads.ts';

export interface Detection {
  readonly classId: number;
  readonly score: number;
  readonly box: Box;
}

/** All (box, class) pairs above the threshold, best first. */
export function confident(candidates: readonly Candidate[], threshold: number): Detection[] {
  return candidates
    .flatMap(({ box, scores }) => scores.map(({ classId, score }) => ({ classId, score, box })))
    .filter(({ score }) => score > threshold)
    .sort((a, b) => b.score - a.score);
}

export function suppress(
  detections: readonly Detection[],
  iouThreshold: number,
  mostPerClass: number,
): Detection[] {
  const kept = new Map<number, Detection[]>();
  for (const detection of detections) {
    const ofClass = kept.get(detection.classId) ?? [];
    kept.set(detection.classId, ofClass);
    const isFree = ofClass.every(({ box }) => overlap(box, detection.box) <= iouThreshold);
    if (isFree && ofClass.length < mostPerClass) ofClass.push(detection);
  }
  return [...kept.values()].flat().sort((a, b) => b.score - a.score);
}

/** Intersection over union; 0 where a box has no area. */
export function overlap(a: Box, b: Box): number {
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (area(a) <= 0 || area(b) <= 0 || width <= 0 || height <= 0) return 0;
  return (width * height) / (area(a) + area(b) - width * height);
}
