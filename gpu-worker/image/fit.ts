/**
 * A picture of any size as the fixed input of a classifier or detector, and the way back: a box found in the input means
 * nothing to a client until it is in pixels of the upright picture.
 */
import type { Resize } from '../../shared/model.ts';
import { toSrgb } from './decode.ts';
import { type Fitting, fittingOf } from './fitting.ts';
import type { Size } from './pixels.ts';
import { type ImageInfo, type ImageSource, openImage, unreadable } from './probe.ts';
import type { Sharp } from './sharp.ts';

export interface FittedImage extends Size {
  /** Interleaved RGB, height × width × 3. */
  readonly pixels: Uint8Array;
  /** input = picture × scale + offset, in pixels, by axis. */
  readonly scale: { readonly x: number; readonly y: number };
  readonly offset: { readonly x: number; readonly y: number };
}

/**
 * Transparent parts are shown on white.
 * @throws image_corrupt, image_format_unsupported
 */
export async function fitImage(
  source: ImageSource,
  info: ImageInfo,
  size: Size,
  resize: Resize,
): Promise<FittedImage> {
  const fitting = fittingOf(info, size, resize);
  const upright = toSrgb(openImage(source), info).autoOrient().flatten({ background: '#ffffff' });
  const { data } = await fitted(upright, fitting, size, resize)
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw unreadable(cause);
    });
  const { scaled, offset } = fitting;
  return {
    ...size,
    pixels: data,
    scale: { x: scaled.width / info.width, y: scaled.height / info.height },
    offset,
  };
}

/** The picture resized, and cropped or filled up to the size. @param picture upright, of three channels */
export function fitted(
  picture: Sharp,
  { scaled, offset }: Fitting,
  { width, height }: Size,
  { fill: [r, g, b] }: Pick<Resize, 'fill'>,
): Sharp {
  // Bilinear with antialiasing, as most training pipelines reduce their pictures.
  const resized = picture.resize({ ...scaled, fit: 'fill', kernel: 'linear' });
  if (scaled.width > width || scaled.height > height) {
    return resized.extract({ left: -offset.x, top: -offset.y, width, height });
  }
  return resized.extend({
    left: offset.x,
    top: offset.y,
    right: width - scaled.width - offset.x,
    bottom: height - scaled.height - offset.y,
    background: { r, g, b },
  });
}
