/**
 * The model as something that nodes can be put around: nothing declared that would contradict them, one operator set
 * that they are written in, and none of its names in their way.
 */
import { closeWeights, renameValues } from '../onnx/graph.ts';
import { type LoadedModel, readModel } from '../onnx/model-file.ts';
import { upgradeOpset } from '../onnx/upgrade-opset.ts';
import { CLASS_IDS, SCORES } from './classification.ts';
import { freeBatch } from './free-batch.ts';
import { freePixelShuffle } from './free-size.ts';
import type { Freedom } from './freedom.ts';
import { IMAGE } from './image-input.ts';
import { DETECTIONS, IOU_THRESHOLD, SCORE_THRESHOLD } from './object-detection.ts';
import type { Subject } from './subject.ts';
import { ENLARGED } from './super-resolution.ts';

const RESERVED = new Set([IMAGE, ENLARGED, CLASS_IDS, SCORES, DETECTIONS, SCORE_THRESHOLD, IOU_THRESHOLD]);

/** A value's name inside the package. */
export const inner = (name: string): string => (RESERVED.has(name) ? `net/${name}` : name);

/** A fresh copy of the subject, ready to be wrapped. */
export async function wrappable(subject: Subject, { batchRule }: Freedom): Promise<LoadedModel> {
  const model = await readModel(subject.path);
  const { graph } = model;
  closeWeights(graph);
  // What was declared of values inside holds for the old batch and size; onnxruntime works it out anew.
  graph.value_info = [];
  upgradeOpset(model);
  freePixelShuffle(graph);
  if (batchRule !== undefined) freeBatch(model, subject.input.name, subject.batch ?? 1, batchRule);
  renameValues(graph, inner);
  return model;
}
