/**
 * Work of a job in device seconds, predicted before anybody has decoded the picture. Workers measure what one unit
 * costs (gpu-worker/device-share.ts); the scaler and the queue's ETA are built on the product.
 */
import type { ModelManifest } from './model.ts';

/** Before any worker has measured a model. */
export const UNKNOWN_COST_SECONDS = 1;
/** A picture of which nothing is known: a link that only the worker may follow. */
export const UNKNOWN_MEGAPIXELS = 1;
/** Workers refuse larger pictures, so a header that claims more must not order machines. */
export const MOST_MEGAPIXELS = 100;
/** Photos as JPEG have 0.2 to 0.5 bytes a pixel; larger files of other formats are over-estimated, never ignored. */
const BYTES_PER_PIXEL = 0.4;

export const megapixelsOfFile = (bytes: number): number =>
  Math.min(MOST_MEGAPIXELS, bytes / BYTES_PER_PIXEL / 1e6);

/** What one measured cost is about: the package, and the factor where there are several graphs. */
export function costKey(
  model: Pick<ModelManifest, 'name' | 'version'>,
  parameters: Readonly<Record<string, unknown>>,
): string {
  const factor = parameters.upscale_factor;
  return `${model.name}@${model.version}${factor === undefined ? '' : ` x${String(factor)}`}`;
}

/** Enlarging costs by megapixel of the input; the other tasks see one input of the model's own size. */
export const costUnits = ({ task }: Pick<ModelManifest, 'task'>, megapixels: number): number =>
  task === 'super-resolution' ? megapixels : 1;
