/** Runs the untouched model on a picture, with the pre-processing in plain loops: what every package is held against. */

import { type Picture, preprocess } from '../reference/preprocess.ts';
import { brightness } from '../reference/super-resolution.ts';
import { type NumberTensor, numbers, type Runtime } from '../runtime/runtime.ts';
import type { Preprocessing } from './preprocessing.ts';
import type { Subject } from './subject.ts';
import type { Luma } from './super-resolution.ts';

export type Outputs = Readonly<Record<string, NumberTensor>>;

/** A model that insists on a batch of several gets the same picture several times. */
export async function runBaseline(
  runtime: Runtime,
  subject: Subject,
  picture: Picture,
  wanted: Preprocessing,
  outputs: readonly string[],
  luma: Luma = 'full',
): Promise<Outputs> {
  const { weights, dark } = brightness(luma);
  const pictures = Array.from({ length: subject.batch ?? 1 }, () => picture);
  const input = preprocess(pictures, wanted, weights, dark);
  const results = await runtime.run(subject.path, { [subject.input.name]: input }, outputs);
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, numbers(tensor)]));
}
