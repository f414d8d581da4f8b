/** Holds a packaged classifier against the untouched model. */

import {
  classesDrift,
  FLOAT16_FACTOR,
  type RankedClasses,
  tolerances,
} from '../../gpu-worker/tensor/drift.ts';
import { runBaseline } from '../import/baseline.ts';
import { classesReturned } from '../import/classification.ts';
import type { Freedom } from '../import/freedom.ts';
import type { ClassificationPlan } from '../import/plan-classification.ts';
import type { Subject } from '../import/subject.ts';
import { ranked } from '../reference/classification.ts';
import type { Picture } from '../reference/preprocess.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { classify } from './packaged.ts';
import { inBatches } from './prove-super-resolution.ts';

export interface ProvedClassifier {
  readonly tolerance: { readonly score: number };
  readonly drift: number;
  readonly input: Picture;
  readonly expected: RankedClasses;
}

/** @throws Refusal naming the drift */
export async function proveClassification(
  runtime: Runtime,
  subject: Subject,
  path: string,
  plan: ClassificationPlan,
  pictures: readonly Picture[],
  freedom: Freedom,
): Promise<ProvedClassifier> {
  const score = subject.isHalf ? tolerances.score * FLOAT16_FACTOR : tolerances.score;
  const { preprocessing, output, values, classes } = plan;
  const expected: RankedClasses[] = [];
  for (const picture of pictures) {
    const { [output]: answer } = await runBaseline(runtime, subject, picture, preprocessing, [output]);
    const row = answer?.data.subarray(0, values) ?? new Float32Array();
    expected.push(ranked(row, plan, classesReturned(classes)));
  }
  const actual = await inBatches(pictures, subject, freedom, (batch) => classify(runtime, path, batch));
  const drift = Math.max(
    ...expected.map((one, i) => classesDrift(one, actual[i] ?? { class_ids: [], scores: [] }, score)),
  );
  if (!(drift <= score)) {
    throw new Refusal(
      `The packaged graph's scores differ from the model's by ${drift}; ${score} is the limit.`,
    );
  }
  const [input, answer] = [pictures[0], expected[0]];
  if (input === undefined || answer === undefined) throw new RangeError('There is no picture to prove on.');
  return { tolerance: { score }, drift, input, expected: answer };
}
