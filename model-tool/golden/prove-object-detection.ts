/** Holds a packaged detector against the untouched model. */

import { detectionsDrift, FLOAT16_FACTOR, tolerances } from '../../gpu-worker/tensor/drift.ts';
import { runBaseline } from '../import/baseline.ts';
import { MOST_PER_CLASS, outputNames } from '../import/detection-plan.ts';
import type { Freedom } from '../import/freedom.ts';
import type { ObjectDetectionPlan } from '../import/plan-object-detection.ts';
import type { Subject } from '../import/subject.ts';
import { type Candidate, candidatesOf } from '../reference/detection-heads.ts';
import type { Picture } from '../reference/preprocess.ts';
import { confident, suppress } from '../reference/suppress.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { detect } from './packaged.ts';
import { inBatches } from './prove-super-resolution.ts';
import { clearThresholds, type Thresholds } from './thresholds.ts';

export interface ProvedDetector {
  readonly tolerance: { readonly score: number; readonly pixels: number };
  readonly drift: { readonly score: number; readonly pixels: number };
  readonly input: Picture;
  readonly thresholds: Thresholds;
  /** Rows of class, score, x1, y1, x2, y2. */
  readonly expected: readonly (readonly number[])[];
  /** Detections over all pictures: a check that saw none has shown little. */
  readonly seen: number;
}

/** @throws Refusal naming the drift */
export async function proveObjectDetection(
  runtime: Runtime,
  subject: Subject,
  path: string,
  plan: ObjectDetectionPlan,
  pictures: readonly Picture[],
  freedom: Freedom,
): Promise<ProvedDetector> {
  const factor = subject.isHalf ? FLOAT16_FACTOR : 1;
  const tolerance = { score: tolerances.score * factor, pixels: tolerances.pixels * factor };
  const candidates: Candidate[][] = [];
  for (const picture of pictures) {
    const outputs = await runBaseline(
      runtime,
      subject,
      picture,
      plan.preprocessing,
      outputNames(plan.detection),
    );
    candidates.push(candidatesOf(plan.detection, outputs, 0));
  }
  const thresholds = clearThresholds(candidates, tolerance.score / 10);
  const expected = candidates.map((found) => rows(found, plan, thresholds));
  // Two empty lists agree whatever the graph does: a batch that the model does not have is only freed on evidence.
  const telling = expected.filter((found) => found.length > 0).length;
  if (freedom.isBatchFree && subject.batch !== undefined && telling < 2) {
    throw new Refusal(
      'Too little was detected to prove that several pictures at once give what each gives alone.',
    );
  }
  const actual = await inBatches(pictures, subject, freedom, (batch) =>
    detect(runtime, path, batch, thresholds),
  );
  const drifts = expected.map((one, i) => detectionsDrift(one, actual[i] ?? []));
  const drift = {
    score: Math.max(...drifts.map(({ score }) => score)),
    pixels: Math.max(...drifts.map(({ pixels }) => pixels)),
  };
  if (!(drift.score <= tolerance.score && drift.pixels <= tolerance.pixels)) {
    const counts = expected.map((one, i) => `${one.length} against ${actual[i]?.length ?? 0}`).join(', ');
    throw new Refusal(
      `The packaged graph's detections differ from the model's by ${drift.score} in score and ${drift.pixels} pixels (found: ${counts}); ${tolerance.score} and ${tolerance.pixels} are the limits.`,
    );
  }
  const [input, answer] = [pictures[0], expected[0]];
  if (input === undefined || answer === undefined) throw new RangeError('There is no picture to prove on.');
  const seen = expected.reduce((sum, found) => sum + found.length, 0);
  return { tolerance, drift, input, thresholds, expected: answer, seen };
}

function rows(
  candidates: readonly Candidate[],
  { detection }: ObjectDetectionPlan,
  thresholds: Thresholds,
): number[][] {
  const found = confident(candidates, thresholds.score);
  const overlap = detection.isSet ? 1 : thresholds.iou;
  const kept = detection.head === 'end-to-end' ? found : suppress(found, overlap, MOST_PER_CLASS);
  return kept.map(({ classId, score, box }) => [classId, score, ...box]);
}
