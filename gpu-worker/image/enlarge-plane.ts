/**
 * The plain enlargement of alpha planes, which no graph takes: pictures of three channels are enlarged on the device
 * (bicubic-graph.ts). It is centre-aligned (output pixel i lies over source position (i + ½) ÷ factor − ½), as the network's output is;
 * `sharp.resize` is half an output pixel off, which would misregister alpha and flatter the network by 3 dB.
 */
import type { Window } from '../tensor/tiles.ts';
import { letGo } from './let-go.ts';
import { createPixels, type Pixels, type Room, type Size } from './pixels.ts';
import { type Sharp, sharp } from './sharp.ts';

const STRIP_PIXELS = 2_000_000;
/** Source pixels around a strip: the kernel reaches 2. */
const MARGIN = 2;

/**
 * Catmull-Rom (a = −½) enlargement, edges repeated, within one level of the exact value.
 * @param source one channel
 * @param factor at 2, 4 and 8 positions are exact in libvips' grid of 1/64 pixel.
 * @returns new pixels of `factor` times the size; the source stays the caller's. Peak memory does not grow with it.
 */
export async function enlargePlane(source: Pixels, factor: number, room: Room): Promise<Pixels> {
  const width = source.width * factor;
  const enlarged = await createPixels({ width, height: source.height * factor }, 1, room);
  try {
    const stripHeight = Math.max(1, Math.floor(STRIP_PIXELS / (width * factor)));
    for (let top = 0; top < source.height; top += stripHeight) {
      const height = Math.min(stripHeight, source.height - top);
      await enlargeStrip(source, { left: 0, top, width: source.width, height }, factor, enlarged);
    }
  } catch (error) {
    await enlarged.dispose();
    throw error;
  }
  return enlarged;
}

async function enlargeStrip(source: Pixels, strip: Window, factor: number, into: Pixels): Promise<void> {
  const above = Math.min(MARGIN, strip.top);
  const below = Math.min(MARGIN, source.height - strip.top - strip.height);
  const seen = { ...strip, top: strip.top - above, height: above + strip.height + below };
  const bytes = new Uint8Array(seen.width * seen.height);
  source.readWindow(seen, bytes);

  // Two passes: within one, sharp would extend after it enlarges.
  const padded = await rawPass(bytes, seen, (image) =>
    image.extend({
      extendWith: 'copy',
      left: MARGIN,
      right: MARGIN,
      top: MARGIN - above,
      bottom: MARGIN - below,
    }),
  );
  const { data, width } = await rawPass(padded.data, padded, (image) =>
    image.affine([factor, 0, 0, factor], {
      interpolator: 'bicubic',
      // Positions count from pixel centres: half a pixel in, half a pixel out.
      idx: 0.5,
      idy: 0.5,
      odx: -0.5,
      ody: -0.5,
    }),
  );
  letGo(padded.data);
  const start = MARGIN * factor * width + MARGIN * factor;
  const target = { top: strip.top * factor, height: strip.height * factor, left: 0, width: into.width };
  into.writeWindow(target, data, start, width);
  letGo(data);
}

async function rawPass(
  bytes: Uint8Array,
  { width, height }: Size,
  step: (image: Sharp) => Sharp,
): Promise<Size & { readonly data: Buffer }> {
  const image = step(sharp(bytes, { raw: { width, height, channels: 1 }, limitInputPixels: false }));
  const { data, info } = await image.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
