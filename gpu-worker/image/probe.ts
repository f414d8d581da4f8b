/**
 * What a picture claims to be, from its header alone. Every limit is checked here, before the decoder may allocate:
 * a file of 50 bytes can claim four billion pixels.
 */
import { open } from 'node:fs/promises';
import { OutboardError } from '../../shared/errors.ts';
import { checkImageFormat, SNIFF_BYTES, type SupportedFormat } from '../../shared/image-format.ts';
import { checkOutputFormat, type OutputFormat } from '../../shared/output-format.ts';
import type { Size } from './pixels.ts';
import { type Sharp, sharp } from './sharp.ts';

export type ImageSource = Uint8Array | { readonly path: string };

/** Sizes are upright: as a viewer shows the picture, after its EXIF orientation. */
export interface ImageInfo extends Size {
  readonly format: SupportedFormat;
  readonly hasAlpha: boolean;
  /** Frames of an animation, pages of a TIFF, pictures in an AVIF; only the first (the primary) is decoded. */
  readonly pages: number;
  /** EXIF orientation 1 to 8. */
  readonly orientation: number;
  /** libvips' name of the colour space the file is in: srgb, b-w, cmyk, rgb16, grey16, lab … */
  readonly space: string;
  /** A progressive JPEG or interlaced PNG: decoded whole. */
  readonly isProgressive: boolean;
  /** A JPEG with a quarter of its colour. */
  readonly isSubsampled: boolean;
  /** Bytes of one number of a pixel. */
  readonly sampleBytes: 1 | 2 | 4 | 8;
}

/**
 * @throws OutboardError image_not_recognized, image_format_unsupported, image_corrupt, image_too_many_pixels.
 */
export async function probeImage(
  source: ImageSource,
  limits: { readonly maxInputPixels: number },
): Promise<ImageInfo> {
  const head = await readHead(source);
  const format = checkImageFormat(head);
  const claimed = claimedSize(head, format);
  if (claimed !== undefined) checkPixels('image_too_many_pixels', claimed, limits.maxInputPixels);

  const found = await openImage(source)
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(cause);
    });
  if (found.format !== (format === 'avif' ? 'heif' : format) || (format === 'avif' && !isAv1(found))) {
    throw new OutboardError('image_corrupt', { cause: new Error(`libvips takes it for ${found.format}`) });
  }
  const { width, height } = found.autoOrient;
  checkPixels('image_too_many_pixels', { width, height }, limits.maxInputPixels);
  return {
    format,
    width,
    height,
    hasAlpha: found.hasAlpha,
    pages: found.pages ?? 1,
    orientation: found.orientation ?? 1,
    space: found.space ?? 'srgb',
    isProgressive: found.isProgressive,
    isSubsampled: found.chromaSubsampling === '4:2:0',
    sampleBytes: (found.bitsPerSample ?? 8) > 8 ? 2 : (bytesOfDepth[found.depth] ?? 1),
  };
}

/** libvips' names of numbers that take more than a byte. */
const bytesOfDepth: Readonly<Record<string, 2 | 4 | 8>> = {
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  complex: 8,
  double: 8,
  dpcomplex: 8,
};

const isAv1 = (found: { readonly compression?: string | undefined }) => found.compression === 'av1';

/**
 * Whether the picture may be made `factor` times wider and higher.
 * @throws OutboardError output_too_many_pixels, output_format_limit.
 */
export function checkEnlargement(
  { width, height }: Size,
  factor: number,
  limits: { readonly maxOutputPixels: number },
  format: OutputFormat,
): void {
  const enlarged = { width: width * factor, height: height * factor };
  checkPixels('output_too_many_pixels', enlarged, limits.maxOutputPixels);
  checkOutputFormat({ width, height }, factor, format);
}

/** The strictest setting: a damaged picture is refused, never half decoded. The pixel limit is `probeImage`'s. */
export const openImage = (source: ImageSource): Sharp =>
  sharp(source instanceof Uint8Array ? source : source.path, { failOn: 'warning', limitInputPixels: false });

/** What libvips said about a client's file, told apart from a machine in trouble (which a retry may mend). */
export function unreadable(cause: unknown): OutboardError {
  const message = cause instanceof Error ? cause.message : '';
  if (/channel limit|no known route/.test(message)) {
    const detail = 'It has a colour space or a number of channels that is not supported.';
    return new OutboardError('image_format_unsupported', { detail, cause });
  }
  const machineTrouble = /No space left|out of memory|unable to (write|open|create)|write error|is missing/i;
  return new OutboardError(machineTrouble.test(message) ? 'internal_error' : 'image_corrupt', { cause });
}

function checkPixels(
  code: 'image_too_many_pixels' | 'output_too_many_pixels',
  { width, height }: Size,
  limit: number,
): void {
  if (width * height <= limit) return;
  throw new OutboardError(code, { detail: `${width}×${height} is more than ${limit} pixels.` });
}

async function readHead(source: ImageSource): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(0, SNIFF_BYTES);
  const file = await open(source.path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Read by hand where libvips' answer is not the file's claim: it rejects huge PNGs as corrupt and mends huge GIFs. */
function claimedSize(head: Uint8Array, format: SupportedFormat): Size | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (format === 'png' && head.length >= 24) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (format === 'gif' && head.length >= 10) {
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  }
  return undefined;
}
