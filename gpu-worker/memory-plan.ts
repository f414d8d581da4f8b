/**
 * The most memory and disk a job will take, from its picture's header: what docs/memory.md prints, as code. Pure. A term
 * that is too small lets the kernel kill the worker with every job in it; `npm run bench -- memory` holds each against
 * measurement.
 */

import { OutboardError } from '../shared/errors.ts';
import type { OutputFormat } from '../shared/output-format.ts';
import { MAX_PIXELS_IN_MEMORY } from './image/pixels.ts';
import type { ImageInfo } from './image/probe.ts';

/** Bytes. */
export interface Need {
  readonly memory: number;
  /** In the scratch folder. */
  readonly disk: number;
}

export interface JobPlan extends Need {
  /** Larger pictures of this job lie in the scratch folder. */
  readonly maxPixelsInMemory: number;
}

export interface PlannedJob {
  readonly info: Pick<
    ImageInfo,
    | 'format'
    | 'width'
    | 'height'
    | 'hasAlpha'
    | 'orientation'
    | 'isProgressive'
    | 'isSubsampled'
    | 'sampleBytes'
  >;
  /** Length of the file. */
  readonly fileBytes: number;
  /** The picture that is made; undefined where none is. */
  readonly makes?:
    | {
        readonly kind: 'enlarged';
        readonly factor: number;
        readonly format: OutputFormat;
        /** The network takes certain sizes only: a padded copy is made. */
        readonly isPadded?: boolean;
      }
    | { readonly kind: 'annotated'; readonly format: OutputFormat };
}

/** Strips and rows that codecs, libvips and our own loops have in hand, whatever the size of the picture. */
export const STRIPS = 64_000_000;
/** Of a small picture the strips are all of it, so many bytes a pixel. */
export const STRIPS_PER_PIXEL = 24;

/** Bytes a pixel that a decoder holds until the whole picture is decoded. */
export const decoderHolds = {
  'JPEG, progressive, 4:2:0': 3,
  'JPEG, progressive, other': 8,
  'PNG, interlaced; TIFF in one strip': 'channels × bytes of a sample',
  GIF: 4,
  WebP: 8,
  AVIF: 18,
  'JPEG, baseline; PNG': 0,
} as const;

/** Bytes a pixel of the result that an encoder holds. */
export const encoderHolds = {
  'JPEG up to 8 megapixels': 10,
  WebP: 6,
  'WebP with transparency': 14,
  'JPEG above; PNG': 0,
} as const;

/** Most bytes a pixel of an encoded picture. */
export const fileHolds = { png: 3, jpeg: 3, webp: 1 } as const;

/** What the job needs where pictures of up to `maxPixelsInMemory` lie in memory: the formula of docs/memory.md. */
export function planMemory(job: PlannedJob, maxPixelsInMemory: number): Need {
  const { info, fileBytes, makes } = job;
  const pixels = info.width * info.height;
  const alpha = info.hasAlpha ? 1 : 0;
  const isHeld = pixels <= maxPixelsInMemory;
  const held = decoderBytesPerPixel(info) * pixels + strips(pixels);
  const turned = info.orientation === 1 ? 0 : (3 + alpha) * pixels;
  if (makes?.kind !== 'enlarged') {
    const encoder = makes === undefined ? 0 : encoderBytes(makes.format, pixels, alpha);
    const file = makes === undefined ? 0 : fileHolds[makes.format] * pixels;
    const memory = fileBytes + held + turned + encoder + (isHeld ? file : 0);
    return { memory: Math.ceil(memory), disk: isHeld ? 0 : file };
  }
  const { factor, format, isPadded = false } = makes;
  const padded = isPadded ? 3 * pixels : 0;
  const made = pixels * factor ** 2;
  const file = fileHolds[format] * made;
  // With transparency all four channels are decoded, then taken apart.
  const decode = held + (isHeld ? turned + (alpha === 1 ? 8 : 3) * pixels : 0);
  const kept = isHeld ? (3 + alpha) * pixels + padded : 0;
  const encode = encoderBytes(format, made, alpha) + strips(made);
  // The picture and its twin, each with its file; one alpha plane, and the four channels joined.
  const results = 2 * (3 * made + file) + alpha * 5 * made;
  // The twin takes the picture's place; turning and taking apart make a second copy of the source.
  const onDisk = 3 * made + 2 * file + alpha * 5 * made;
  const isMadeHeld = made <= maxPixelsInMemory;
  return {
    memory: Math.ceil(fileBytes + Math.max(decode, kept + encode + (isMadeHeld ? results : 0))),
    disk: (isHeld ? 0 : (6 + 2 * alpha) * pixels + padded) + (isMadeHeld ? 0 : onDisk),
  };
}

/**
 * How the job runs within these bytes: in memory where that takes no more than its share, else by scratch files.
 * @param share of memory, for a job that lies in memory
 * @throws memory_exceeded where it does not fit though it were alone
 */
export function choosePlan(job: PlannedJob, whole: Need, share: number): JobPlan {
  const inMemory = planMemory(job, MAX_PIXELS_IN_MEMORY);
  if (inMemory.memory <= Math.min(share, whole.memory) && inMemory.disk <= whole.disk) {
    return { ...inMemory, maxPixelsInMemory: MAX_PIXELS_IN_MEMORY };
  }
  const onDisk = planMemory(job, 0);
  for (const kind of ['memory', 'disk'] as const) {
    if (onDisk[kind] <= whole[kind]) continue;
    const [needed, there] = [onDisk[kind], whole[kind]].map((bytes) => Math.ceil(bytes / 1e6));
    throw new OutboardError('memory_exceeded', {
      detail: `It needs ${needed} MB of ${kind === 'disk' ? 'scratch disk' : 'memory'}; there are ${there} MB.`,
    });
  }
  return { ...onDisk, maxPixelsInMemory: 0 };
}

const strips = (pixels: number): number => Math.min(STRIPS, STRIPS_PER_PIXEL * pixels);

function decoderBytesPerPixel({
  format,
  isProgressive,
  isSubsampled,
  hasAlpha,
  sampleBytes,
}: PlannedJob['info']): number {
  const whole = (hasAlpha ? 4 : 3) * sampleBytes;
  switch (format) {
    case 'jpeg':
      if (!isProgressive) return decoderHolds['JPEG, baseline; PNG'];
      return decoderHolds[isSubsampled ? 'JPEG, progressive, 4:2:0' : 'JPEG, progressive, other'];
    case 'png':
      return isProgressive ? whole : decoderHolds['JPEG, baseline; PNG'];
    case 'tiff':
      return whole;
    case 'gif':
      return decoderHolds.GIF;
    case 'webp':
      return decoderHolds.WebP;
    case 'avif':
      return decoderHolds.AVIF * sampleBytes;
  }
}

function encoderBytes(format: OutputFormat, pixels: number, alpha: number): number {
  if (format === 'webp') return encoderHolds[alpha === 1 ? 'WebP with transparency' : 'WebP'] * pixels;
  const isOptimised = format === 'jpeg' && pixels <= MAX_PIXELS_IN_MEMORY;
  return (isOptimised ? encoderHolds['JPEG up to 8 megapixels'] : encoderHolds['JPEG above; PNG']) * pixels;
}
