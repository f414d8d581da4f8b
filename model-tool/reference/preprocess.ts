/** Plain loops for what the packaged graph does to a picture before the net. Slow on purpose: easy to see as right. */
import { BRIGHTNESS, type Preprocessing, type Scale } from '../import/preprocessing.ts';
import type { PlainTensor } from '../runtime/protocol.ts';
import { tensorOf } from '../runtime/runtime.ts';

/** A picture, rows of interleaved RGB bytes. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/** A level of 0 to 255 in the range that the model wants. */
function inRange(level: number, scale: Scale): number {
  if (scale === '0-1') return level / 255;
  return scale === '-1-1' ? level / 127.5 - 1 : level;
}

/** The other way round. */
export function fromRange(value: number, scale: Scale): number {
  if (scale === '0-1') return value * 255;
  return scale === '-1-1' ? (value + 1) * 127.5 : value;
}

/** @param levelOf value of 0 to 255 of a pixel in one of the model's channels */
function planes(
  { height, width }: Picture,
  wanted: Preprocessing,
  levelOf: (pixel: number, channel: number) => number,
): Float32Array {
  const { channels, layout } = wanted;
  const values = new Float32Array(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const at = layout === 'NCHW' ? channel * height * width + pixel : pixel * channels + channel;
      const value = inRange(levelOf(pixel, channel), wanted.scale) - (wanted.mean[channel] ?? 0);
      values[at] = value / (wanted.std[channel] ?? 1);
    }
  }
  return values;
}

/** The model's input for pictures of one size. @param colour how a model of one channel sees a pixel */
export function preprocess(
  pictures: readonly Picture[],
  wanted: Preprocessing,
  colour = BRIGHTNESS as readonly number[],
  dark = 0,
): PlainTensor {
  const [first] = pictures;
  if (first === undefined) throw new RangeError('There is no picture to run.');
  const all = pictures.map((picture) =>
    planes(picture, wanted, (pixel, channel) => {
      const at = (c: number) => picture.pixels[pixel * 3 + c] ?? 0;
      if (wanted.channels === 1)
        return at(0) * (colour[0] ?? 0) + at(1) * (colour[1] ?? 0) + at(2) * (colour[2] ?? 0) + dark;
      return at(wanted.order === 'bgr' ? 2 - channel : channel);
    }),
  );
  const size = all[0]?.length ?? 0;
  const joined = new Float32Array(size * all.length);
  for (const [i, one] of all.entries()) joined.set(one, i * size);
  const { height, width } = first;
  const dims = wanted.layout === 'NCHW' ? [wanted.channels, height, width] : [height, width, wanted.channels];
  return tensorOf(wanted.type, [pictures.length, ...dims], joined);
}
