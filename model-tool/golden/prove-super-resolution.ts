/** Holds a packaged enlarging graph against the untouched model, and finds out which sizes it really takes. */

import { FLOAT16_FACTOR, pictureDrift, tolerances } from '../../gpu-worker/tensor/drift.ts';
import { runBaseline } from '../import/baseline.ts';
import type { Freedom } from '../import/freedom.ts';
import type { SuperResolutionPlan } from '../import/plan-super-resolution.ts';
import type { Subject } from '../import/subject.ts';
import type { Picture } from '../reference/preprocess.ts';
import { enlargedPicture } from '../reference/super-resolution.ts';
import { Refusal } from '../refusal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { crop } from './crop.ts';
import { enlarge } from './packaged.ts';
import { builtInPictures } from './pictures.ts';

export interface ProvedEnlarging {
  readonly tolerance: { readonly levels: number };
  readonly drift: number;
  readonly input: Picture;
  readonly output: Picture;
  readonly multipleOf: number;
}

const levelTolerance = (isHalf: boolean): number =>
  isHalf ? (tolerances.levels * FLOAT16_FACTOR) / 4 : tolerances.levels;

/** @param pictures of the plan's size · @throws Refusal naming the drift */
export async function proveSuperResolution(
  runtime: Runtime,
  subject: Subject,
  path: string,
  plan: SuperResolutionPlan,
  pictures: readonly Picture[],
  freedom: Freedom,
  radius: number | undefined,
): Promise<ProvedEnlarging> {
  const levels = levelTolerance(subject.isHalf);
  const expected: Picture[] = [];
  for (const picture of pictures) expected.push(await reference(runtime, subject, plan, picture));
  const actual = await inBatches(pictures, subject, freedom, (batch) => enlarge(runtime, path, batch));
  const drift = Math.max(
    ...expected.map(({ pixels }, i) => pictureDrift(pixels, actual[i]?.pixels ?? new Uint8Array())),
  );
  if (drift > levels) {
    throw new Refusal(
      `The packaged graph differs from the model by ${drift} levels of 255; ${levels} is the limit.`,
    );
  }
  if (freedom.isSizeFree && subject.size !== undefined) {
    await proveFreeSize(runtime, subject, path, plan, radius, levels);
  }
  const multipleOf = freedom.isSizeFree ? await smallestMultiple(runtime, path, plan.factor) : 1;
  const [input, output] = [pictures[0], expected[0]];
  if (input === undefined || output === undefined) throw new RangeError('There is no picture to prove on.');
  return { tolerance: { levels }, drift, input, output, multipleOf };
}

/** Runs pictures as one batch where the graph takes any, one by one (repeated to its batch) where it does not. */
export async function inBatches<Result>(
  pictures: readonly Picture[],
  subject: Subject,
  freedom: Freedom,
  run: (batch: readonly Picture[]) => Promise<Result[]>,
): Promise<Result[]> {
  if (freedom.isBatchFree) return run(pictures);
  const results: Result[] = [];
  for (const picture of pictures) {
    const batch = Array.from({ length: subject.batch ?? 1 }, () => picture);
    results.push(...(await run(batch)).slice(0, 1));
  }
  return results;
}

async function reference(
  runtime: Runtime,
  subject: Subject,
  plan: SuperResolutionPlan,
  picture: Picture,
): Promise<Picture> {
  const { preprocessing, output, luma, factor, outputScale } = plan;
  const outputs = await runBaseline(runtime, subject, picture, preprocessing, [output], luma);
  const data = outputs[output]?.data ?? new Float32Array();
  return enlargedPicture(picture, data, factor, preprocessing, outputScale, luma);
}

/**
 * A model of one size cannot be asked about another. But far from the borders of its window, further than the net
 * sees, it must give what the freed graph gives for the larger picture around it.
 */
async function proveFreeSize(
  runtime: Runtime,
  subject: Subject,
  path: string,
  plan: SuperResolutionPlan,
  radius: number | undefined,
  levels: number,
): Promise<void> {
  const { size, factor } = plan;
  const margin = Math.max(radius ?? Number.POSITIVE_INFINITY, 2);
  if (2 * margin + 8 > Math.min(size.height, size.width)) {
    throw new Refusal('The net sees too far for another size to be proved.');
  }
  const [large] = builtInPictures({ height: size.height + 21, width: size.width + 34 });
  if (large === undefined) throw new RangeError('There are no built-in pictures.');
  const corner = { x: 19, y: 11 };
  const window = crop(large, corner, size);
  const [whole] = await enlarge(runtime, path, [large]);
  if (whole === undefined) throw new Refusal('The graph gave nothing for another size.');
  const inside = { height: (size.height - 2 * margin) * factor, width: (size.width - 2 * margin) * factor };
  const small = await reference(runtime, subject, plan, window);
  const drift = pictureDrift(
    crop(small, { x: margin * factor, y: margin * factor }, inside).pixels,
    crop(whole, { x: (corner.x + margin) * factor, y: (corner.y + margin) * factor }, inside).pixels,
  );
  if (drift > levels)
    throw new Refusal(`At another size the graph differs from the model by ${drift} levels.`);
}

/** Nets that halve and double again take only multiples of something. @throws Refusal where no size runs */
async function smallestMultiple(runtime: Runtime, path: string, factor: number): Promise<number> {
  for (const multiple of [1, 2, 4, 8, 16, 32, 64]) {
    const [picture] = builtInPictures({ height: 64 + multiple, width: 64 + 3 * multiple });
    if (picture === undefined) continue;
    const outputs = await enlarge(runtime, path, [picture]).catch(() => []);
    const [output] = outputs;
    if (output?.height === picture.height * factor && output.width === picture.width * factor)
      return multiple;
  }
  throw new Refusal('The graph takes no size but its own.');
}
