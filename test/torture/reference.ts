/**
 * What a job's answer must be, the plain way: onnxruntime with its own defaults over the whole upright picture. Larger
 * pictures go through it in wide strips that overlap by more than any network's receptive radius; how the product cuts
 * pictures, forms batches and puts tiles together is not used here.
 */
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp, { type Sharp } from 'sharp';
import { fitImage } from '../../gpu-worker/image/fit.ts';
import { probeImage } from '../../gpu-worker/image/probe.ts';
import { inputSize, type LoadedModel } from '../../gpu-worker/loaded-model.ts';
import { bundledModels } from '../../local/bundled-models.ts';
import { OutboardError } from '../../shared/errors.ts';
import type { Task } from '../../shared/model.ts';
import { parametersFor } from '../../shared/parameters.ts';

/** Interleaved RGB, 8 bits. */
export interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Up to this a picture is one run. */
const WHOLE_PIXELS = 700_000;
/** More than the largest receptive radius of the models (23). */
const OVERLAP = 32;

const sessions = new Map<string, Promise<InferenceSession>>();
const sessionOf = (file: string): Promise<InferenceSession> => {
  const session = sessions.get(file) ?? InferenceSession.create(file, { logSeverityLevel: 3 });
  sessions.set(file, session);
  return session;
};

const models = bundledModels();
async function modelOf<T extends Task>(task: T, name: string): Promise<LoadedModel<T>> {
  const found = (await models).find(({ manifest }) => manifest.task === task && manifest.name === name);
  if (found === undefined) throw new Error(`There is no bundled model ${name}.`);
  return found as LoadedModel<T>;
}

/** The first picture of a file as people see it: upright, sRGB, and its opacity where it has any. */
export async function upright(file: Buffer): Promise<{ color: Picture; alpha: Picture | undefined }> {
  const open = () => sharp(file, { limitInputPixels: false }).autoOrient();
  const { hasAlpha } = await sharp(file, { limitInputPixels: false }).metadata();
  const raw = async (image: Sharp): Promise<Picture> => {
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  };
  const color = await raw(open().removeAlpha().toColourspace('srgb'));
  return { color, alpha: hasAlpha ? await raw(open().extractChannel('alpha')) : undefined };
}

/** The network over the whole picture. */
export async function enlarged(picture: Picture, name: string, factor: number): Promise<Picture> {
  const { manifest, folder } = await modelOf('super-resolution', name);
  const graph = manifest.graphs.find(({ scale }) => scale === factor);
  if (graph === undefined) throw new Error(`${name} cannot enlarge by ${factor}.`);
  const session = await sessionOf(path.join(folder, graph.file));
  const { width, height } = picture;
  const data = new Uint8Array(width * height * factor * factor * 3);
  const outRow = width * factor * 3;
  const rows = Math.max(1, Math.floor(WHOLE_PIXELS / width));
  for (let top = 0; top < height; top += rows) {
    const bottom = Math.min(height, top + rows);
    const from = Math.max(0, top - OVERLAP);
    const to = Math.min(height, bottom + OVERLAP);
    const strip = new Tensor('uint8', picture.data.subarray(from * width * 3, to * width * 3), [
      1,
      to - from,
      width,
      3,
    ]);
    const answer = await session.run({ [graph.input.name]: strip });
    const output = answer[graph.output.name]?.data as Uint8Array;
    const skipped = (top - from) * factor * outRow;
    const length = (bottom - top) * factor * outRow;
    data.set(output.subarray(skipped, skipped + length), top * factor * outRow);
  }
  return { data, width: width * factor, height: height * factor };
}

/** The picture as a classifier's or detector's input: test/image/fit.test.ts holds what that must be. */
async function fitted(file: Buffer, model: LoadedModel<'classification' | 'object-detection'>) {
  const info = await probeImage(file, { maxInputPixels: Number.POSITIVE_INFINITY });
  const size = inputSize(model);
  const fit = await fitImage(file, info, size, model.manifest.resize);
  return { fit, info, input: new Tensor('uint8', fit.pixels, [1, size.height, size.width, 3]) };
}

export interface Prediction {
  readonly class_id: number;
  readonly score: number;
}

/** All classes, best first. */
export async function classified(file: Buffer, name: string): Promise<Prediction[]> {
  const model = await modelOf('classification', name);
  const [graph] = model.manifest.graphs;
  if (graph === undefined) throw new OutboardError('model_unavailable');
  const session = await sessionOf(path.join(model.folder, graph.file));
  const answer = await session.run({ [graph.input.name]: (await fitted(file, model)).input });
  const numbers = (output: string) => Array.from(answer[output]?.data as Float32Array, Number);
  const scores = numbers(graph.outputs.scores);
  return numbers(graph.outputs.class_ids).map((class_id, rank) => ({ class_id, score: scores[rank] ?? 0 }));
}

export interface Detection extends Prediction {
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Boxes in pixels of the upright picture, best first. */
export async function detected(
  file: Buffer,
  name: string,
  asked: Readonly<Record<string, unknown>>,
): Promise<Detection[]> {
  const model = await modelOf('object-detection', name);
  const [graph] = model.manifest.graphs;
  if (graph === undefined) throw new OutboardError('model_unavailable');
  const parameters = parametersFor(model.manifest).parse(asked) as Record<string, unknown>;
  const session = await sessionOf(path.join(model.folder, graph.file));
  const { fit, info, input } = await fitted(file, model);
  const scalar = (value: unknown) => new Tensor('float32', Float32Array.of(Number(value)), [1]);
  const answer = await session.run({
    [graph.input.name]: input,
    [graph.inputs.score_threshold]: scalar(parameters.score_threshold),
    [graph.inputs.iou_threshold]: scalar(parameters.iou_threshold),
  });
  const numbers = Array.from(answer[graph.outputs.detections]?.data as Float32Array, Number);
  const found: Detection[] = [];
  for (let row = 0; row < numbers.length; row += 7) {
    const [, class_id = -1, score = 0, ...corners] = numbers.slice(row, row + 7);
    const [left = 0, top = 0, right = 0, bottom = 0] = corners.map((corner, side) => {
      const along = side % 2 === 0 ? 'x' : 'y';
      const most = along === 'x' ? info.width : info.height;
      return Math.min(Math.max((corner - fit.offset[along]) / fit.scale[along], 0), most);
    });
    if (right > left && bottom > top)
      found.push({ class_id, score, box: { x: left, y: top, width: right - left, height: bottom - top } });
  }
  return found;
}
