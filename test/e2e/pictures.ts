/**
 * Pictures for the tests and what must become of them, computed the plain way: the network over the whole picture in
 * one run, and Catmull-Rom straight from its definition. Nothing here may share code with the tiles it judges.
 */
import { createCipheriv } from 'node:crypto';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { openSession } from '../../gpu-worker/inference/session.ts';
import { bundledEnlarger } from '../../local/bundled-models.ts';

/** Interleaved 8-bit pixels. */
export interface Raw {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** The same seed always gives the same pixels: the hardest picture to get right, every pixel differs from its neighbours. */
export function noise(width: number, height: number, channels: 1 | 3 | 4 = 3, seed = 0): Raw {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return { data: stream.update(Buffer.alloc(width * height * channels)), width, height, channels };
}

export const picture = ({ data, width, height, channels }: Raw): Sharp =>
  sharp(data, { raw: { width, height, channels } });
export const png = (raw: Raw): Promise<Buffer> => picture(raw).png({ compressionLevel: 1 }).toBuffer();

/** One colour: a few kilobytes of PNG at any size. */
export const plain = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: 40, g: 90, b: 160 } } })
    .png()
    .toBuffer();

export async function decode(file: Buffer): Promise<Raw> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** One channel of a picture. */
export function plane({ data, width, height, channels }: Raw, channel: number): Raw {
  const one = Buffer.alloc(width * height);
  for (let index = 0; index < one.length; index += 1) {
    one.writeUInt8(data.readUInt8(index * channels + channel), index);
  }
  return { data: one, width, height, channels: 1 };
}

/** The default model over the whole of an RGB picture in one run. */
export async function enlargedWhole({ data, width, height }: Raw, factor: number): Promise<Buffer> {
  const { manifest, folder } = await bundledEnlarger('super-resolution-tiny');
  const graph = manifest.graphs.find(({ scale }) => scale === factor);
  if (graph === undefined) throw new Error(`There is no graph for ${factor}.`);
  const { file, input, output: result } = graph;
  const names = { inputName: input.name, outputName: result.name };
  const session = await openSession({ path: path.join(folder, file), ...names, scale: factor }, 'cpu');
  const output = Buffer.alloc(width * height * factor * factor * 3);
  await session.run(data, { batch: 1, height, width }, output);
  return output;
}

/** Catmull-Rom (a = −½), centre-aligned, edges repeated. */
export function bicubic({ data, width, height, channels }: Raw, factor: number): Raw {
  const size = { width: width * factor, height: height * factor };
  const enlarged = Buffer.alloc(size.width * size.height * channels);
  const inside = (position: number, length: number) => Math.min(Math.max(position, 0), length - 1);
  for (let y = 0; y < size.height; y += 1) {
    const down = taps(y, factor);
    for (let x = 0; x < size.width; x += 1) {
      const across = taps(x, factor);
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        for (const [row, vertical] of down) {
          for (const [column, horizontal] of across) {
            const pixel = inside(row, height) * width + inside(column, width);
            sum += vertical * horizontal * data.readUInt8(pixel * channels + channel);
          }
        }
        const value = Math.min(Math.max(Math.round(sum), 0), 255);
        enlarged.writeUInt8(value, (y * size.width + x) * channels + channel);
      }
    }
  }
  return { data: enlarged, ...size, channels };
}

/** The four source positions under an output position, with their weights. */
function taps(output: number, factor: number): [position: number, weight: number][] {
  const at = (output + 0.5) / factor - 0.5;
  return [-1, 0, 1, 2].map((step) => {
    const position = Math.floor(at) + step;
    const d = Math.abs(at - position);
    const weight = d <= 1 ? 1.5 * d ** 3 - 2.5 * d ** 2 + 1 : -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2;
    return [position, weight];
  });
}

/** The largest difference between two pictures of one size, in levels. */
export function farthest(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? 0))), 0);
}
