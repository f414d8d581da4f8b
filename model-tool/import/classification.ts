/**
 * Turns a classifier's output into `class_ids` and `scores`, best first. Sorting in the graph keeps a thousand
 * numbers a picture off JavaScript.
 */
import { GraphBuilder, tensorInfo } from '../graph-builder.ts';
import type { LoadedModel } from '../onnx/model-file.ts';

export type Activation = 'none' | 'softmax' | 'sigmoid';

/** How the numbers of a classifier are read. */
export interface Readout {
  /** Numbers of a picture: one for each class, or the second of two classes alone. */
  readonly values: number;
  readonly classes: number;
  readonly activation: Activation;
}

export const CLASS_IDS = 'class_ids';
export const SCORES = 'scores';
const MOST_CLASSES = 100;

export const classesReturned = (classes: number): number => Math.min(classes, MOST_CLASSES);

/**
 * @param output the model's tensor of `classes` values a picture, whatever its shape; where there are two classes it may
 *   be one value, the score of the second
 */
export function foldClassification(
  model: LoadedModel,
  output: string,
  { values: count, classes, activation }: Readout,
): void {
  const builder = new GraphBuilder(model, 'output');
  let scores = builder.reshape(builder.cast(output, 'float32'), [-1, count]);
  if (activation === 'softmax') scores = builder.softmax(scores, -1);
  if (activation === 'sigmoid') scores = builder.sigmoid(scores);
  if (count < classes) scores = builder.concat([builder.difference(builder.floats([1]), scores), scores], 1);
  const k = classesReturned(classes);
  const { values, indices } = builder.topK(scores, builder.ints([k]));
  builder.called(values, SCORES);
  builder.called(indices, CLASS_IDS);
  builder.append();
  model.graph.output = [
    tensorInfo(CLASS_IDS, 'int64', ['batch', k]),
    tensorInfo(SCORES, 'float32', ['batch', k]),
  ];
}
