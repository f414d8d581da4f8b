/**
 * Turns an enlarging network into pictures in, pictures out. A network of one channel enlarges brightness alone, as
 * its authors meant: colour is enlarged by bicubic beside it and the two are put together again.
 */
import { GraphBuilder, tensorInfo, type Value } from '../graph-builder.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import type { Size } from '../signature.ts';
import { declareImage, floatPixels, foldNormalisation, foldPreprocessing } from './image-input.ts';
import { type Preprocessing, ranges, type Scale } from './preprocessing.ts';

export const ENLARGED = 'enlarged';

/** Which numbers a brightness of 0 to 1 becomes: all of 0 to 255 (JPEG, Pillow), or 16 to 235 (video, MATLAB). */
export type Luma = 'full' | 'studio';

/** Rows R, G, B; columns Y, Cb, Cr. Pixels × toYcc + offset; both in 0 to 255. */
interface ColourSpace {
  readonly toYcc: readonly number[];
  readonly offset: readonly number[];
  readonly toRgb: readonly number[];
}

function colourSpace(luma: Luma): ColourSpace {
  const [red, green, blue] = [0.299, 0.587, 0.114];
  const y = luma === 'full' ? 1 : 219 / 255;
  const c = luma === 'full' ? 1 : 224 / 255;
  const [cb, cr] = [c / (2 * (1 - blue)), c / (2 * (1 - red))];
  return {
    toYcc: [
      red * y,
      -red * cb,
      (1 - red) * cr,
      green * y,
      -green * cb,
      -green * cr,
      blue * y,
      (1 - blue) * cb,
      -blue * cr,
    ],
    offset: [luma === 'full' ? 0 : 16, 128, 128],
    toRgb: [
      1 / y,
      1 / y,
      1 / y,
      0,
      -(blue * (1 - blue) * 2) / (green * c),
      (2 * (1 - blue)) / c,
      (2 * (1 - red)) / c,
      -(red * (1 - red) * 2) / (green * c),
      0,
    ],
  };
}

const colourSpaces: Readonly<Record<Luma, ColourSpace>> = {
  full: colourSpace('full'),
  studio: colourSpace('studio'),
};

export interface Enlarger {
  readonly preprocessing: Preprocessing;
  readonly factor: number;
  readonly luma: Luma;
  /** The range of the numbers that come out. */
  readonly outputScale: Scale;
  readonly input: Value;
  readonly output: Value;
  readonly size: readonly [Size, Size, Size];
}

export function foldSuperResolution(model: LoadedModel, enlarger: Enlarger): void {
  const { preprocessing, input, output, size, factor } = enlarger;
  const front = new GraphBuilder(model, 'input');
  const back = new GraphBuilder(model, 'output');
  declareImage(model, size);
  const pixels = floatPixels(front);
  const levels = (value: Value): Value => toLevels(back, value, enlarger);
  let picture: Value;
  if (preprocessing.channels === 3) {
    foldPreprocessing(front, pixels, preprocessing, input);
    const rgb = levels(output);
    picture = preprocessing.order === 'bgr' ? back.pick(rgb, [2, 1, 0], 3) : rgb;
  } else {
    const { toYcc, offset, toRgb } = colourSpaces[enlarger.luma];
    const ycc = front.sum(front.matMul(pixels, front.floats(toYcc, [3, 3])), front.floats(offset));
    foldNormalisation(front, front.pick(ycc, [0], 3), preprocessing, input);
    const colour = front.resizeCubic(front.transpose(front.pick(ycc, [1, 2], 3), [0, 3, 1, 2]), factor);
    const enlarged = back.concat([levels(output), back.transpose(colour, [0, 2, 3, 1])], 3);
    picture = back.matMul(back.difference(enlarged, back.floats(offset)), back.floats(toRgb, [3, 3]));
  }
  back.called(back.cast(back.clip(back.round(picture), 0, 255), 'uint8'), ENLARGED);
  front.prepend();
  back.append();
  const grown = size.map((side, axis) => (axis === 0 || typeof side === 'string' ? side : side * factor));
  const [batch = 'batch', height = 'h', width = 'w'] = grown;
  const name = (side: Size) => (typeof side === 'number' ? side : `${factor}*${side}`);
  model.graph.output = [tensorInfo(ENLARGED, 'uint8', [batch, name(height), name(width), 3])];
}

/** The model's output as float32 NHWC, 0 to 255. */
function toLevels(builder: GraphBuilder, output: Value, { preprocessing, outputScale }: Enlarger): Value {
  const { gain, offset } = ranges[outputScale];
  let value = builder.cast(output, 'float32');
  if (preprocessing.layout === 'NCHW') value = builder.transpose(value, [0, 2, 3, 1]);
  if (offset !== 0) value = builder.difference(value, builder.floats([offset]));
  return gain === 1 ? value : builder.product(value, builder.floats([1 / gain]));
}
