/**
 * A scratch picture, turned as its EXIF orientation says, strip by strip: libvips turns only what it holds whole,
 * which would be 3 bytes a pixel of a picture that is in scratch because it is too large for that.
 */
import { letGo } from './let-go.ts';
import { createPixels, openPixels, type Pixels, type Room } from './pixels.ts';

const STRIP_PIXELS = 4_000_000;

/** What makes each EXIF orientation upright, in the order in which sharp applies it: flip, flop, rotate. */
const turns: Readonly<Record<number, { flip?: boolean; flop?: boolean; rotate?: number }>> = {
  2: { flop: true },
  3: { rotate: 180 },
  4: { flip: true },
  5: { flip: true, rotate: 90 },
  6: { rotate: 90 },
  7: { flip: true, rotate: 270 },
  8: { rotate: 270 },
};

/** @returns a new picture; the source stays the caller's. */
export async function turnUpright(lying: Pixels, orientation: number, room: Room): Promise<Pixels> {
  const { flip = false, flop = false, rotate = 0 } = turns[orientation] ?? {};
  const sideways = orientation >= 5;
  // These four show the file's last rows (or columns, where sideways) first.
  const reversed = [3, 4, 7, 8].includes(orientation);
  const width = sideways ? lying.height : lying.width;
  const height = sideways ? lying.width : lying.height;

  const upright = await createPixels({ width, height }, lying.channels, room);
  try {
    const stripHeight = Math.max(1, Math.floor(STRIP_PIXELS / width));
    for (let top = 0; top < height; top += stripHeight) {
      const rows = Math.min(stripHeight, height - top);
      const start = reversed ? height - top - rows : top;
      const source = sideways
        ? { left: start, top: 0, width: rows, height: width }
        : { left: 0, top: start, width, height: rows };
      const strip = openPixels(lying).extract(source).flip(flip).flop(flop).rotate(rotate);
      if (lying.channels === 1) strip.toColourspace('b-w');
      const turned = await strip.raw().toBuffer();
      upright.writeWindow({ left: 0, top, width, height: rows }, turned);
      letGo(turned);
    }
  } catch (error) {
    await upright.dispose();
    throw error;
  }
  return upright;
}
