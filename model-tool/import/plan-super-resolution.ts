/**
 * Finds out by running what an enlarging net wants and gives. Its output must look like its input, so the factor, the
 * range of its numbers and the range of its answers can all be seen; declared output shapes often lie.
 */
import { builtInPictures } from '../golden/pictures.ts';
import { readModel } from '../onnx/model-file.ts';
import { fromRange, type Picture } from '../reference/preprocess.ts';
import { Refusal } from '../refusal.ts';
import type { NumberTensor, Runtime } from '../runtime/runtime.ts';
import { runBaseline } from './baseline.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { outputRange } from './output-range.ts';
import { BRIGHTNESS, type Preprocessing, type Scale } from './preprocessing.ts';
import type { Subject } from './subject.ts';
import type { Luma } from './super-resolution.ts';

export interface SuperResolutionPlan {
  readonly preprocessing: Preprocessing;
  readonly output: string;
  readonly factor: number;
  readonly luma: Luma;
  readonly outputScale: Scale;
  /** A size that the untouched model runs on. */
  readonly size: PictureSize;
}

const scales: readonly Scale[] = ['0-1', '0-255', '-1-1'];
const trialSizes = [
  { height: 32, width: 40 },
  ...[64, 128, 256].map((side) => ({ height: side, width: side })),
];
/** Levels of 255 that a net's answer may stray from its input and still be a picture of it. */
const LIKENESS = 16;
/** What the field uses is preferred unless -1 to 1 fits so much better, */
const CLEARLY = 3;
/** and 0 to 1 worse than this; whatever is less usual must fit so well. */
const PASSABLE = 8;

interface Fit {
  readonly scale: Scale;
  readonly outputScale: Scale;
  readonly error: number;
}

export async function planSuperResolution(
  subject: Subject,
  options: ImportOptions,
  runtime: Runtime,
  note: Note,
): Promise<SuperResolutionPlan> {
  const output = options.output?.[0] ?? subject.outputs[0]?.name ?? '';
  const luma = options.luma ?? 'full';
  const wanted = (scale: Scale): Preprocessing => ({
    layout: subject.layout,
    channels: subject.channels,
    order: options.channelOrder ?? 'rgb',
    scale,
    type: subject.type,
    mean: Array.from({ length: subject.channels }, () => 0),
    std: Array.from({ length: subject.channels }, () => 1),
  });
  const tried = options.scale === undefined ? scales : [options.scale];
  const size = await runnableSize(subject, options, runtime, wanted(tried[0] ?? '0-1'), output);
  const [picture] = builtInPictures(size);
  if (picture === undefined) throw new RangeError('There are no built-in pictures.');
  const told = options.outputScale ?? outputRange((await readModel(subject.path)).graph, output);
  const fits: Fit[] = [];
  let factor = 0;
  for (const scale of tried) {
    const { [output]: answer } = await runBaseline(runtime, subject, picture, wanted(scale), [output], luma);
    if (answer === undefined) continue;
    factor = factorOf(answer, size, subject, options);
    for (const outputScale of told === undefined ? scales : [told]) {
      fits.push({ scale, outputScale, error: unlikeness(answer, picture, factor, subject, outputScale) });
    }
  }
  const isTold = options.scale !== undefined && options.outputScale !== undefined;
  const chosen = isTold ? fits[0] : likeliest(fits);
  if (chosen === undefined || (chosen.error > LIKENESS && !isTold)) {
    throw new Refusal(
      'With no usual range of numbers does the output look like the input. Say which range goes in and comes out: --scale and --output-scale, each 0-1, 0-255 or -1-1.',
      { flag: '--scale' },
    );
  }
  note(`enlarges ${factor} times: seen by running it.`);
  note(
    `scale: ${chosen.scale} in, ${chosen.outputScale} out; so the output looks like the input (${chosen.error.toFixed(1)} of 255 apart).${others(fits, chosen)}`,
  );
  if (subject.channels === 1)
    note(
      `brightness alone: colour is enlarged by bicubic beside it; ${luma} range${options.luma === undefined ? ' assumed (--luma studio for 16 to 235)' : ''}.`,
    );
  else if (options.channelOrder === undefined)
    note('channel order: rgb, assumed; say --channel-order bgr where it is not.');
  return { preprocessing: wanted(chosen.scale), output, factor, luma, outputScale: chosen.outputScale, size };
}

/**
 * In 0 to 255 an answer that strays by less than a level looks perfect whatever the net does, so a good look there says
 * nothing against 0 to 1; a net that was trained on 0 to 255 shows no picture at all when it is given 0 to 1.
 */
function likeliest(fits: readonly Fit[]): Fit | undefined {
  const best = fits.toSorted((a, b) => a.error - b.error)[0];
  const usual = fits.find((fit) => fit.scale === '0-1' && fit.outputScale === '0-1');
  if (usual === undefined || best === undefined) return best;
  const isSigned = best.scale === '-1-1' || best.outputScale === '-1-1';
  const limit = isSigned ? Math.max(CLEARLY * best.error, PASSABLE) : LIKENESS;
  if (usual.error <= limit) return usual;
  return best.error <= PASSABLE ? best : undefined;
}

/** The other ranges with which the net gives a picture too. */
function others(fits: readonly Fit[], chosen: Fit): string {
  const also = fits.filter((fit) => fit.scale !== chosen.scale && fit.error <= LIKENESS);
  const listed = also.map((fit) => `${fit.scale} in, ${fit.outputScale} out: ${fit.error.toFixed(1)}`);
  return listed.length === 0
    ? ''
    : ` So it does with others (${listed.join('; ')}): say --scale where one is meant.`;
}

async function runnableSize(
  subject: Subject,
  options: ImportOptions,
  runtime: Runtime,
  wanted: Preprocessing,
  output: string,
): Promise<PictureSize> {
  const fixed = subject.size ?? options.size;
  let reason: unknown;
  for (const size of fixed === undefined ? trialSizes : [fixed]) {
    const [picture] = builtInPictures(size);
    if (picture === undefined) continue;
    try {
      await runBaseline(runtime, subject, picture, wanted, [output]);
      return size;
    } catch (error) {
      reason = error;
    }
  }
  throw new Refusal(
    `The model runs on no size that was tried. Say --size HxW. ${reason instanceof Error ? reason.message : ''}`,
    {
      flag: '--size',
      cause: reason,
    },
  );
}

function factorOf(
  { dims }: NumberTensor,
  size: PictureSize,
  { layout, channels }: Subject,
  options: ImportOptions,
): number {
  const [height, width, depth] =
    layout === 'NCHW' ? [dims[2], dims[3], dims[1]] : [dims[1], dims[2], dims[3]];
  const factor = (height ?? 0) / size.height;
  const isPicture = dims.length === 4 && depth === channels && width === size.width * factor;
  if (!isPicture || !Number.isInteger(factor) || factor < 1 || factor > 8) {
    throw new Refusal(
      `${options.file} made [${dims.join(', ')}] of a ${size.height}×${size.width} picture, which is no enlargement by 1 to 8.`,
    );
  }
  return factor;
}

/** Mean distance in levels between the picture and the output averaged back to the picture's size. */
function unlikeness(
  { data }: NumberTensor,
  picture: Picture,
  factor: number,
  subject: Subject,
  scale: Scale,
): number {
  const { height, width, pixels } = picture;
  const { channels, layout } = subject;
  const [tall, wide] = [height * factor, width * factor];
  let sum = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < channels; c += 1) {
        let block = 0;
        for (let i = 0; i < factor * factor; i += 1) {
          const pixel = (y * factor + Math.floor(i / factor)) * wide + x * factor + (i % factor);
          block += data[layout === 'NCHW' ? c * tall * wide + pixel : pixel * channels + c] ?? 0;
        }
        const at = (y * width + x) * 3;
        const level =
          channels === 3
            ? (pixels[at + c] ?? 0)
            : BRIGHTNESS.reduce((b, w, i) => b + w * (pixels[at + i] ?? 0), 0);
        const error = Math.abs(fromRange(block / factor ** 2, scale) - level);
        sum += Number.isNaN(error) ? 255 : error;
      }
    }
  }
  return sum / (height * width * channels);
}
