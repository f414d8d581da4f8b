/** Whether a job's answer is the one that plain onnxruntime gives. @returns what is wrong with it, or undefined */
import sharp, { type Sharp } from 'sharp';
import type { JobOutput } from '../../shared/job.ts';
import { bicubic, farthest } from '../e2e/pictures.ts';
import type { PlannedJob } from './plan.ts';
import {
  classified,
  type Detection,
  detected,
  enlarged,
  type Picture,
  type Prediction,
  upright,
} from './reference.ts';

/** Steps of 0 to 255: onnxruntime adds up in another order for another shape, which can turn a rounding. */
const MOST_LEVELS = 1;
/** Of those: pixels that may differ at all. */
const MOST_DIFFERENT = 0.001;
/** Mean difference of a block of a picture that was encoded with loss, in levels. */
const MOST_LOSS = 2;
const BLOCK = 32;
const SCORE = 1e-3;
const PIXELS = 0.1;

/** @param files the stored pictures by role */
export async function compare(
  { task, model, parameters }: PlannedJob,
  source: Buffer,
  { facts }: JobOutput,
  files: Readonly<Record<string, Buffer>>,
): Promise<string | undefined> {
  if (task === 'classification') {
    const predictions = facts.predictions as Prediction[];
    const wanted = (await classified(source, model)).slice(0, Number(parameters.top_k));
    return samePredictions(predictions, wanted);
  }
  if (task === 'object-detection') {
    return sameDetections(facts.detections as Detection[], await detected(source, model, parameters));
  }
  return sameEnlargement(model, parameters, source, files);
}

function samePredictions(found: readonly Prediction[], wanted: readonly Prediction[]): string | undefined {
  const scores = (list: readonly Prediction[]) =>
    new Map(list.map(({ class_id, score }) => [class_id, score]));
  const right = scores(wanted);
  const differs = [...scores(found)].some(
    ([id, score]) => Math.abs(score - (right.get(id) ?? Number.POSITIVE_INFINITY)) > SCORE,
  );
  return found.length !== wanted.length || differs
    ? `predictions ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`
    : undefined;
}

function sameDetections(found: readonly Detection[], wanted: readonly Detection[]): string | undefined {
  const near = (a: Detection, b: Detection) =>
    a.class_id === b.class_id &&
    Math.abs(a.score - b.score) <= SCORE &&
    (['x', 'y', 'width', 'height'] as const).every((side) => Math.abs(a.box[side] - b.box[side]) <= PIXELS);
  const left = [...wanted];
  for (const detection of found) {
    const at = left.findIndex((other) => near(detection, other));
    if (at < 0) return `a detection ${JSON.stringify(detection)} that should not be there`;
    left.splice(at, 1);
  }
  return left.length === 0 ? undefined : `${left.length} detections are missing`;
}

async function sameEnlargement(
  model: string,
  parameters: Readonly<Record<string, unknown>>,
  source: Buffer,
  { sr_image, original_image }: Readonly<Record<string, Buffer>>,
): Promise<string | undefined> {
  if (sr_image === undefined || original_image === undefined) return 'a picture is missing';
  const factor = Number(parameters.upscale_factor);
  const quality = Number(parameters.quality);
  const { color, alpha } = await upright(source);
  const opacity = alpha?.data.some((share) => share !== 255) ? alpha : undefined;
  const wanted = await enlarged(color, model, factor);
  const found = await planes(sr_image);
  if (parameters.output_format !== 'png') {
    // JPEG has no opacity: white shows through.
    const shown = opacity === undefined ? wanted : onWhite(wanted, await resized(opacity, wanted));
    const seen = await planes(await encoded(shown, String(parameters.output_format), quality));
    return blocksDiffer(found.color, seen.color);
  }
  const twin = await planes(original_image);
  return (
    pixelsDiffer('the enlarged picture', found.color, wanted) ??
    ((opacity === undefined) === (found.alpha === undefined) ? undefined : 'opacity came or went') ??
    bicubicDiffers('the opacity', found.alpha, opacity, factor) ??
    bicubicDiffers('the bicubic picture', twin.color, color, factor)
  );
}

/** Colour and opacity of a stored picture. */
async function planes(file: Buffer): Promise<{ color: Picture; alpha: Picture | undefined }> {
  const open = () => sharp(file, { limitInputPixels: false });
  const raw = async (image: Sharp): Promise<Picture> => {
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  };
  const { hasAlpha } = await open().metadata();
  return {
    color: await raw(open().removeAlpha().toColourspace('srgb')),
    alpha: hasAlpha ? await raw(open().extractChannel('alpha')) : undefined,
  };
}

/** One channel, enlarged by the library that decodes; blocks are compared by their means. */
async function resized({ data, width, height }: Picture, to: Picture): Promise<Uint8Array> {
  const image = sharp(data, { raw: { width, height, channels: 1 }, limitInputPixels: false });
  return image.resize(to.width, to.height, { fit: 'fill' }).extractChannel(0).raw().toBuffer();
}

function onWhite({ data, width, height }: Picture, opacity: Uint8Array): Picture {
  const shown = data.map(
    (value, index) => 255 + ((value - 255) * (opacity[Math.floor(index / 3)] ?? 0)) / 255,
  );
  return { data: shown, width, height };
}

/** As the docs say that results are encoded. */
function encoded({ data, width, height }: Picture, format: string, quality: number): Promise<Buffer> {
  const image = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  if (format === 'webp') return image.webp({ quality, effort: 2 }).toBuffer();
  return image.jpeg({ quality, chromaSubsampling: quality >= 90 ? '4:4:4' : '4:2:0' }).toBuffer();
}

function sizesDiffer(what: string, found: Picture, wanted: Picture): string | undefined {
  if (found.data.length === wanted.data.length && found.width === wanted.width) return undefined;
  return `${what} is ${found.width}×${found.height}, not ${wanted.width}×${wanted.height}`;
}

function pixelsDiffer(what: string, found: Picture, wanted: Picture): string | undefined {
  let most = 0;
  let different = 0;
  for (let index = 0; index < wanted.data.length; index += 1) {
    const difference = Math.abs((found.data[index] ?? 0) - (wanted.data[index] ?? 0));
    if (difference > 0) different += 1;
    if (difference > most) most = difference;
  }
  const share = different / wanted.data.length;
  const isSame = most <= MOST_LEVELS && share <= MOST_DIFFERENT;
  return (
    sizesDiffer(what, found, wanted) ??
    (isSame ? undefined : `${what}: ${share} of it differs, by up to ${most}`)
  );
}

/** Of each block the mean difference: a tile in the wrong place changes whole blocks. */
function blocksDiffer(found: Picture, wanted: Picture): string | undefined {
  const across = Math.ceil(wanted.width / BLOCK);
  const sums = new Float64Array(across * Math.ceil(wanted.height / BLOCK));
  const row = wanted.width * 3;
  for (let index = 0; index < wanted.data.length; index += 1) {
    const block =
      Math.floor(Math.floor(index / row) / BLOCK) * across + Math.floor((index % row) / (3 * BLOCK));
    sums[block] = (sums[block] ?? 0) + Math.abs((found.data[index] ?? 0) - (wanted.data[index] ?? 0));
  }
  const worst = sums.reduce((most, sum) => Math.max(most, sum), 0) / (BLOCK * BLOCK * 3);
  return (
    sizesDiffer('the enlarged picture', found, wanted) ??
    (worst <= MOST_LOSS
      ? undefined
      : `a block of the enlarged picture differs by ${worst.toFixed(1)} on average`)
  );
}

/** Slow, so of small pictures only. */
const MOST_BICUBIC = 30_000;

function bicubicDiffers(
  what: string,
  found: Picture | undefined,
  source: Picture | undefined,
  factor: number,
): string | undefined {
  if (found === undefined || source === undefined || found.data.length > MOST_BICUBIC) return undefined;
  const channels = found.data.length / (found.width * found.height) === 1 ? 1 : 3;
  const wanted = bicubic({ ...source, data: Buffer.from(source.data), channels }, factor);
  const most = farthest(found.data, wanted.data);
  return most <= MOST_LEVELS ? undefined : `${what} differs by up to ${most}`;
}
