/**
 * What a torture run asks for, all of it decided by one seed: jobs of three tasks over pictures of every format and of
 * one pixel to tens of megapixels, some of them broken, some canceled or erased on their way.
 */
import type { JobPriority } from '../../shared/job.ts';
import type { Task } from '../../shared/model.ts';
import { type BrokenKind, brokenKinds } from './broken.ts';
import { Dice } from './dice.ts';
import type { Drawing } from './draw.ts';

export interface PlannedJob {
  readonly task: Task;
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly picture: Drawing | BrokenKind;
  /** How the picture comes in: in the request, by form, by link, or as another tenant's row beside the API. */
  readonly way: 'inline' | 'form' | 'link' | 'row';
  readonly tenant: string;
  readonly priority: JobPriority;
  /** What its client does to it after so long. */
  readonly change?: { readonly kind: 'cancel' | 'erase'; readonly afterMs: number };
  /** What the pictures of this job are made from. */
  readonly seed: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly jobs: number;
  /** Of the largest picture. */
  readonly megapixels: number;
}

const BROKEN = 0.05;
const CANCELED = 0.05;
const ERASED = 0.02;
/** What the API takes in a request, less what base64 and JSON add. */
const MOST_INLINE_PIXELS = 300_000;
/** Above this a picture is enlarged twice by the light model, so that a run ends on two cores. */
const LARGE = 500_000;

export function planJobs({ seed, jobs, megapixels }: PlanOptions): PlannedJob[] {
  const dice = new Dice(seed);
  // The sizes at the ends are always there; the broken ones are spread evenly, each kind once before any twice.
  const broken = Math.max(2, Math.round(jobs * BROKEN));
  return Array.from({ length: jobs }, (_, index) => {
    const nth = Math.floor((index * broken) / jobs);
    const isBroken = Math.floor(((index + 1) * broken) / jobs) > nth;
    const kind = brokenKinds[(nth + seed) % brokenKinds.length];
    const picture = isBroken && kind !== undefined ? kind : drawing(dice, index, megapixels);
    return {
      ...request(dice, picture),
      picture,
      seed: dice.whole(0, 2 ** 30),
      ...surroundings(dice, picture),
    };
  });
}

function drawing(dice: Dice, index: number, megapixels: number): Drawing {
  const size =
    index === 0
      ? square(megapixels * 1e6)
      : index === 1
        ? { width: 1, height: 1 }
        : anySize(dice, megapixels);
  const pixels = size.width * size.height;
  const isLarge = pixels > LARGE;
  const format = isLarge
    ? dice.pick(['jpeg', 'webp', 'tiff'] as const)
    : dice.pick(['jpeg', 'jpeg', 'png', 'png', 'png', 'webp', 'gif', 'tiff', 'avif'] as const);
  return {
    ...size,
    // WebP ends at 16,383 pixels a side.
    format: format === 'webp' && Math.max(size.width, size.height) > 16_000 ? 'jpeg' : format,
    content: dice.pick(isLarge ? ['photo', 'page', 'plain'] : ['noise', 'noise', 'photo', 'page', 'plain']),
    variant: dice.pick([
      'usual',
      'usual',
      'turned',
      'alpha',
      'grey',
      'deep',
      'cmyk',
      'palette',
      'progressive',
    ]),
    orientation: dice.whole(1, 8),
  };
}

const square = (pixels: number) => {
  const side = Math.round(Math.sqrt(pixels * 1.2));
  return { width: side, height: Math.max(1, Math.floor(pixels / side)) };
};

/** Mostly small; 3 of 100 are large. */
function anySize(dice: Dice, megapixels: number): { width: number; height: number } {
  const share = dice.roll();
  const side = (least: number, most: number) => Math.round(least * (most / least) ** dice.roll());
  if (share < 0.15) return { width: dice.whole(1, 8), height: dice.whole(1, 8) };
  if (share < 0.2)
    return dice.chance(0.5) ? { width: 1, height: side(9, 600) } : { width: side(9, 600), height: 1 };
  if (share < 0.75) return { width: side(9, 160), height: side(9, 160) };
  if (share < 0.97) return { width: side(100, 700), height: side(100, 700) };
  const most = Math.sqrt(megapixels * 1e6);
  return { width: side(most / 4, most), height: side(most / 4, most) };
}

function request(
  dice: Dice,
  picture: Drawing | BrokenKind,
): Pick<PlannedJob, 'task' | 'model' | 'parameters'> {
  const pixels = typeof picture === 'string' ? 0 : picture.width * picture.height;
  const task = dice.roll();
  if (task < 0.6) return enlargement(dice, picture, pixels);
  if (task < 0.82) {
    return { task: 'classification', model: 'image-classifier', parameters: { top_k: dice.whole(1, 10) } };
  }
  // Low, so that there are boxes to compare on pictures that show no page.
  const parameters = {
    score_threshold: dice.pick([0.05, 0.25]),
    iou_threshold: dice.pick([0.3, 0.45]),
    annotated: dice.chance(0.3),
    output_format: 'jpeg',
    quality: 90,
  };
  return { task: 'object-detection', model: 'document-layout', parameters };
}

function enlargement(dice: Dice, picture: Drawing | BrokenKind, pixels: number) {
  const task = 'super-resolution' as const;
  if (pixels > LARGE) {
    const parameters = { upscale_factor: 2, output_format: 'jpeg', quality: 85 };
    return { task, model: 'super-resolution-tiny', parameters };
  }
  const upscale_factor = pixels > 50_000 ? dice.pick([2, 2, 4]) : dice.pick([2, 4, 8]);
  const model = pixels < 10_000 && dice.chance(0.25) ? 'super-resolution-base' : 'super-resolution-tiny';
  // JPEG shows no transparency and WebP changes it; what is compared exactly is PNG.
  const hasAlpha = typeof picture !== 'string' && picture.variant === 'alpha';
  const output_format = hasAlpha ? 'png' : dice.pick(['png', 'png', 'jpeg', 'webp'] as const);
  return { task, model, parameters: { upscale_factor, output_format, quality: dice.pick([75, 90]) } };
}

function surroundings(
  dice: Dice,
  picture: Drawing | BrokenKind,
): Pick<PlannedJob, 'way' | 'tenant' | 'priority' | 'change'> {
  const pixels = typeof picture === 'string' ? Number.POSITIVE_INFINITY : picture.width * picture.height;
  const way =
    // A form takes no empty file.
    picture === 'no bytes'
      ? dice.pick(['link', 'row'] as const)
      : pixels < MOST_INLINE_PIXELS
        ? dice.pick(['inline', 'inline', 'form', 'link', 'row'] as const)
        : dice.pick(['form', 'link', 'row'] as const);
  const share = dice.roll();
  const kind = share < CANCELED ? 'cancel' : share < CANCELED + ERASED ? 'erase' : undefined;
  const afterMs = Math.floor(dice.roll() ** 3 * 15_000);
  return {
    way,
    tenant: way === 'row' ? `tenant-${dice.whole(1, 4)}` : '',
    priority: dice.chance(0.2) ? 'batch' : 'normal',
    // Broken ones are left alone: what they end with is what counts; another tenant's job cannot be asked for by ours.
    ...(kind !== undefined && typeof picture !== 'string' && way !== 'row'
      ? { change: { kind, afterMs } }
      : {}),
  };
}
