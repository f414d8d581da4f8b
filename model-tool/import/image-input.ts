/**
 * Puts the pre-processing in front of a model: uint8 [batch, height, width, 3] RGB in, what the model expects out,
 * under the name that the model's own input had.
 */
import type { GraphBuilder, Value } from '../graph-builder.ts';
import { tensorInfo } from '../graph-builder.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import type { DataType } from '../onnx/tensor.ts';
import type { Size } from '../signature.ts';
import { BRIGHTNESS, type Preprocessing, ranges } from './preprocessing.ts';

export const IMAGE = 'image';

/** Declares the input `image` in place of the model's own. */
export function declareImage(model: LoadedModel, [batch, height, width]: readonly [Size, Size, Size]): void {
  model.graph.input = [tensorInfo(IMAGE, 'uint8', [batch, height, width, 3])];
}

/** The pixels as float32 NHWC, RGB, 0 to 255. */
export const floatPixels = (builder: GraphBuilder): Value => builder.cast(IMAGE, 'float32');

/** From float pixels to the model's input. */
export function foldPreprocessing(
  builder: GraphBuilder,
  pixels: Value,
  wanted: Preprocessing,
  input: Value,
): void {
  let value = pixels;
  if (wanted.channels === 1) value = builder.matMul(value, builder.floats(BRIGHTNESS, [3, 1]));
  else if (wanted.order === 'bgr') value = builder.pick(value, [2, 1, 0], 3);
  foldNormalisation(builder, value, wanted, input);
}

/** From float NHWC, 0 to 255, in the model's channels, to the model's input. */
export function foldNormalisation(
  builder: GraphBuilder,
  channels: Value,
  wanted: Preprocessing,
  input: Value,
): void {
  const { gain, offset } = ranges[wanted.scale];
  const gains = wanted.std.map((std) => gain / std);
  const offsets = wanted.mean.map((mean, channel) => (offset - mean) / (wanted.std[channel] ?? 1));
  let value = channels;
  if (gains.some((one) => one !== 1)) value = builder.product(value, builder.floats(gains));
  if (offsets.some((one) => one !== 0)) value = builder.sum(value, builder.floats(offsets));
  if (wanted.layout === 'NCHW') value = builder.transpose(value, [0, 3, 1, 2]);
  if (wanted.type !== 'float32') value = builder.cast(value, wanted.type as DataType);
  builder.called(value, input);
}
