/**
 * Detectors that answer in pixels of the picture before it was resized are told its size, or the scale, by an input of its
 * own. The package answers in pixels of the model's input, so that input is a constant.
 */
import { GraphBuilder } from '../graph-builder.ts';
import { nodesOf } from '../onnx/graph.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import { Refusal } from '../refusal.ts';
import { inputsOf, layoutOf, type Port, shapeText } from '../signature.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';

/** What an input of two numbers means, by the names in use, as the numbers for a picture of the model's own size. */
const meanings: readonly (readonly [RegExp, string, (size: PictureSize) => readonly number[]])[] = [
  // PaddleDetection.
  [/scale/i, 'height and width scale', () => [1, 1]],
  // RT-DETR, D-FINE, DEIM.
  [/target_size|orig_size/i, 'width, height', ({ height, width }) => [width, height]],
  // PaddleDetection, YOLOv3 of Keras.
  [/shape|size/i, 'height, width', ({ height, width }) => [height, width]],
];

/** @returns true where an input beside the picture was settled · @throws Refusal where the size has to be said */
export function settleSideInputs(model: LoadedModel, options: ImportOptions, note: Note): boolean {
  const { graph } = model;
  const inputs = inputsOf(graph);
  const picture = inputs.find(({ name, dims }) =>
    options.input === undefined ? dims?.length === 4 : name === options.input,
  );
  if (picture === undefined || inputs.length < 2) return false;
  const read = new Set([...nodesOf(graph)].flatMap((node) => node.input));
  const front = new GraphBuilder(model, 'side-in');
  const settled = new Set<string>();
  for (const port of inputs.filter(({ name }) => name !== picture.name)) {
    const { name, type, dims } = port;
    const isRead = read.has(name);
    const meaning =
      dims?.length === 2 && dims[1] === 2 ? meanings.find(([word]) => word.test(name)) : undefined;
    if (!isRead) note(`left out: input ${name} ${shapeText(port)}, which nothing reads.`);
    else if (meaning !== undefined && type !== undefined) {
      const [, order, numbersFor] = meaning;
      const numbers = numbersFor(sizeOf(picture, port, options));
      front.called(front.cast(front.floats(numbers, [1, 2]), type), name);
      note(
        `input ${name}: always ${numbers.join(', ')} (${order}), so that boxes are in pixels of the model's input.`,
      );
    } else continue;
    settled.add(name);
  }
  front.prepend();
  graph.input = graph.input.filter(({ name }) => !settled.has(name ?? ''));
  return settled.size > 0;
}

function sizeOf(picture: Port, side: Port, { size, layout }: ImportOptions): PictureSize {
  const axes = (layout ?? layoutOf(picture)) === 'NHWC' ? [1, 2] : [2, 3];
  const [height, width] = axes.map((axis) => picture.dims?.[axis]);
  if (typeof height === 'number' && typeof width === 'number') return { height, width };
  if (size !== undefined) return size;
  throw new Refusal(
    `The input ${side.name} tells the size of the picture, and the model takes any. Say --size HxW, the size it was trained on.`,
    { flag: '--size' },
  );
}
