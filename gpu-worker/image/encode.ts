/**
 * Pixels → PNG, JPEG or WebP. From a scratch picture PNG and JPEG are encoded by strips straight into a file; JPEG
 * with optimised Huffman tables would hold all coefficients (6 bytes a pixel), so large ones do without. WebP's
 * library needs the whole picture in memory. A file's bytes depend on the picture alone, not on where it lay.
 */

import { rm, stat } from 'node:fs/promises';
import type { OutputFormat } from '../../shared/output-format.ts';
import {
  MAX_PIXELS_IN_MEMORY,
  openPixels,
  type Pixels,
  type Room,
  type Size,
  scratchPath,
} from './pixels.ts';
import { type Sharp, sharp } from './sharp.ts';

export interface Encoded extends Size {
  /** A picture from scratch comes as a file in the scratch folder, which the caller removes. */
  readonly body: Uint8Array | { readonly path: string; readonly bytes: number };
  /** Length of the file. */
  readonly bytes: number;
}

/**
 * @param picture RGB, and where there is one its alpha plane of the same size; JPEG shows it on white.
 * @param options.quality 1 to 100, for JPEG and WebP; PNG is exact.
 */
export async function encodeImage(
  { color, alpha }: { readonly color: Pixels; readonly alpha?: Pixels | undefined },
  { format, quality = 90 }: { readonly format: OutputFormat; readonly quality?: number },
  room: Room,
): Promise<Encoded> {
  const large = color.location === 'scratch';
  const { width, height } = color;
  const encode = async (image: Sharp): Promise<Encoded> => {
    const encoder = withFormat(image, format, quality, { width, height });
    return { width, height, ...(await writeImage(encoder, format, large, room)) };
  };
  if (alpha === undefined) return encode(openPixels(color));

  const joined = openPixels(color).joinChannel(...alpha.input());
  if (format !== 'jpeg') return encode(joined);

  // sharp flattens before it joins, whatever the order of the calls: so in two steps.
  if (!large) {
    const { data, info } = await joined.raw().toBuffer({ resolveWithObject: true });
    return encode(onWhite(sharp(data, { raw: info, limitInputPixels: false })));
  }
  const path = scratchPath(room);
  try {
    await joined.toFile(path);
    return await encode(onWhite(sharp(path, { limitInputPixels: false })));
  } finally {
    await rm(path, { force: true });
  }
}

const onWhite = (image: Sharp): Sharp => image.flatten({ background: '#ffffff' });

export function withFormat(
  image: Sharp,
  format: OutputFormat,
  quality: number,
  { width, height }: Size,
): Sharp {
  switch (format) {
    case 'png':
      // Enlarged pictures are smooth: with adaptive filters the file halves at the cost of no filters at level 6.
      return image.png({ adaptiveFiltering: true, compressionLevel: 2 });
    case 'jpeg':
      return image.jpeg({
        quality,
        chromaSubsampling: quality >= 90 ? '4:4:4' : '4:2:0',
        optimiseCoding: width * height <= MAX_PIXELS_IN_MEMORY,
      });
    case 'webp':
      // Effort 2 is twice as fast as the default and 2 % larger.
      return image.webp({ quality, effort: 2 });
  }
}

/** @param large into a file of the scratch folder, which the caller removes */
export async function writeImage(
  encoder: Sharp,
  format: OutputFormat,
  large: boolean,
  room: Room,
): Promise<Pick<Encoded, 'body' | 'bytes'>> {
  if (!large) {
    const body = await encoder.toBuffer();
    return { body, bytes: body.length };
  }
  const path = scratchPath(room, format);
  try {
    await encoder.toFile(path);
    const { size: bytes } = await stat(path);
    return { body: { path, bytes }, bytes };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
