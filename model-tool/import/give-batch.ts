/**
 * Gives a batch to a model that takes a single picture of three dimensions, as torchvision's detectors do. The net still
 * sees one picture; whether it could see several is not known of it, so the batch stays 1.
 */
import { GraphBuilder, tensorInfo } from '../graph-builder.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import { inputsOf } from '../signature.ts';
import type { Note } from './options.ts';

/** @returns true where the one input was a single picture */
export function giveBatch(model: LoadedModel, note: Note): boolean {
  const [input, ...others] = inputsOf(model.graph);
  const { name, type, dims } = input ?? { name: '', type: undefined, dims: undefined };
  const isPicture = dims?.length === 3 && [dims[0], dims[2]].some((size) => size === 1 || size === 3);
  if (type === undefined || !isPicture || others.length > 0) return false;
  const outer = `batch/${name}`;
  const front = new GraphBuilder(model, 'batch-in');
  front.called(front.gather(outer, front.ints([0], []), 0), name);
  front.prepend();
  model.graph.input = [tensorInfo(outer, type, [1, ...dims])];
  note(`input: ${name} is one picture without a batch, so the batch is 1.`);
  return true;
}
