/**
 * Any supported picture → upright 8-bit sRGB pixels, with a separate alpha plane where any of it is transparent.
 * All or nothing: a truncated or damaged file is refused, because a half-grey picture would be enlarged and stored
 * as if it were right.
 */
import { rm } from 'node:fs/promises';
import { OutboardError } from '../../shared/errors.ts';
import { letGo } from './let-go.ts';
import {
  type Channels,
  fitsInMemory,
  MemoryPixels,
  openScratch,
  type Pixels,
  type Room,
  type Size,
  scratchPath,
} from './pixels.ts';
import { type ImageInfo, type ImageSource, openImage, unreadable } from './probe.ts';
import { type Sharp, sharp } from './sharp.ts';
import { turnUpright } from './turn.ts';

export interface Raster extends Size {
  /** RGB, interleaved. */
  readonly color: Pixels;
  /** Opacity, 255 = opaque; absent where the whole picture is opaque. Colours are not multiplied by it. */
  readonly alpha: Pixels | undefined;
  dispose(): Promise<void>;
}

/**
 * @param info what `probeImage` said about the same source: its limits hold for this decode.
 * @param room pictures up to `maxPixelsInMemory` are decoded into memory (3 bytes a pixel kept; at the peak 4 with
 *   EXIF turns and 8 with alpha), larger ones go to scratch files by strips. Progressive JPEG, interlaced PNG, WebP,
 *   GIF and AVIF decode whole, in memory, inside their libraries whatever the room.
 * @throws OutboardError image_corrupt, image_format_unsupported.
 */
export async function decodeImage(source: ImageSource, info: ImageInfo, room: Room): Promise<Raster> {
  const image = toSrgb(openImage(source), info);
  const { color, alpha } = fitsInMemory(info, room)
    ? await decodeToMemory(image, info)
    : await decodeToScratch(image, info, room);
  if (alpha === undefined || !isOpaque(alpha)) return rasterOf(color, alpha);
  await alpha.dispose();
  return rasterOf(color, undefined);
}

function rasterOf(color: Pixels, alpha: Pixels | undefined): Raster {
  const { width, height } = color;
  const dispose = async () => void (await Promise.all([color.dispose(), alpha?.dispose()]));
  return { width, height, color, alpha, dispose };
}

interface Planes {
  readonly color: Pixels;
  readonly alpha: Pixels | undefined;
}

/**
 * sharp converts 16-bit RGB with a profile to Display P3 and then calls it sRGB, and ignores the profile of 16-bit
 * grey. At 8 bits, which is all that is kept, it converts both rightly.
 */
export function toSrgb(image: Sharp, { space }: ImageInfo): Sharp {
  if (space === 'rgb16') return image.pipelineColourspace('srgb');
  if (space === 'grey16') return image.pipelineColourspace('b-w');
  return image;
}

async function decodeToMemory(image: Sharp, info: ImageInfo): Promise<Planes> {
  const { data, info: raw } = await decoded(image.autoOrient().raw().toBuffer({ resolveWithObject: true }));
  if (raw.width !== info.width || raw.height !== info.height) throw new OutboardError('image_corrupt');
  if (raw.channels === 3) return { color: new MemoryPixels(info, 3, data), alpha: undefined };
  const both = () =>
    sharp(data, {
      raw: { width: raw.width, height: raw.height, channels: raw.channels },
      limitInputPixels: false,
    });
  const color = await both().removeAlpha().raw().toBuffer();
  const alpha = await both().extractChannel(3).raw().toBuffer();
  letGo(data);
  return { color: new MemoryPixels(info, 3, color), alpha: new MemoryPixels(info, 1, alpha) };
}

/** In file order first, then taken apart and turned: libvips can turn only what it holds whole. */
async function decodeToScratch(image: Sharp, info: ImageInfo, room: Room): Promise<Planes> {
  const lying = info.orientation >= 5 ? { width: info.height, height: info.width } : info;
  const path = scratchPath(room);
  const made: Pixels[] = [];
  const take = async (part: string, channels: Channels): Promise<Pixels> => {
    const pixels = await openScratch(part, lying, channels);
    made.push(pixels);
    if (info.orientation === 1) return pixels;
    const upright = await turnUpright(pixels, info.orientation, room);
    made.push(upright);
    await pixels.dispose();
    return upright;
  };
  const split = async (part: (whole: Sharp) => Sharp): Promise<string> => {
    const target = scratchPath(room);
    await part(sharp(path, { limitInputPixels: false })).toFile(target);
    return target;
  };
  try {
    const stored = await decoded(image.toFile(path));
    if (stored.width !== lying.width || stored.height !== lying.height)
      throw new OutboardError('image_corrupt');
    if (stored.channels === 3) return { color: await take(path, 3), alpha: undefined };
    const color = await take(await split((whole) => whole.removeAlpha()), 3);
    const alpha = await take(await split((whole) => whole.extractChannel(3)), 1);
    await rm(path);
    return { color, alpha };
  } catch (error) {
    await Promise.all([rm(path, { force: true }), ...made.map((pixels) => pixels.dispose())]);
    throw error;
  }
}

async function decoded<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw unreadable(cause);
  });
}

/** By comparing memory: no loop of our own looks at a pixel. */
function isOpaque(alpha: Pixels): boolean {
  const rows = Math.max(1, Math.floor(OPACITY_CHUNK / alpha.width));
  const chunk = Buffer.alloc(alpha.width * rows);
  const opaque = Buffer.alloc(alpha.width * rows, 255);
  for (let top = 0; top < alpha.height; top += rows) {
    const height = Math.min(rows, alpha.height - top);
    alpha.readWindow({ left: 0, top, width: alpha.width, height }, chunk);
    const length = alpha.width * height;
    if (!chunk.subarray(0, length).equals(opaque.subarray(0, length))) return false;
  }
  return true;
}

const OPACITY_CHUNK = 1_000_000;
