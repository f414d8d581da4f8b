/**
 * A picture of any size as the fixed input of a classifier or detector, and the way back: a box found in the input means
 * nothing to a client until it is in pixels of the upright picture.
 */
import type { Resize } from '../../shared/model.ts';
import { toSrgb } from './decode.ts';
import type { Size } from './pixels.ts';
import { type ImageInfo, type ImageSource, openImage, unreadable } from './probe.ts';

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
  { mode, fill: [r, g, b], anchor }: Resize,
): Promise<FittedImage> {
  const fit = ({ stretch: 'fill', cover: 'cover', letterbox: 'contain' } as const)[mode];
  const { data } = await toSrgb(openImage(source), info)
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize({
      width: size.width,
      height: size.height,
      fit,
      // Bilinear with antialiasing, as most training pipelines reduce their pictures.
      kernel: 'linear',
      position: mode === 'letterbox' && anchor === 'top-left' ? 'left top' : 'centre',
      background: { r, g, b },
    })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw unreadable(cause);
    });
  return { ...size, pixels: data, ...placement(info, size, mode, anchor) };
}

function placement(picture: Size, size: Size, mode: Resize['mode'], anchor: Resize['anchor']) {
  const x = size.width / picture.width;
  const y = size.height / picture.height;
  if (mode === 'stretch') return { scale: { x, y }, offset: { x: 0, y: 0 } };
  const factor = mode === 'cover' ? Math.max(x, y) : Math.min(x, y);
  const isCentred = mode === 'cover' || anchor === 'centre';
  const along = (input: number, length: number) =>
    isCentred ? Math.trunc((input - Math.round(length * factor)) / 2) : 0;
  return {
    scale: { x: factor, y: factor },
    offset: { x: along(size.width, picture.width), y: along(size.height, picture.height) },
  };
}
