/** A picture made larger to the right and below by repeating its edge, for networks that take certain sizes only. */
import { MemoryPixels, openPixels, type Pixels, type Size } from './pixels.ts';

/** @returns the picture itself where it has this size, else a padded copy that the caller disposes of */
export async function padPixels(picture: Pixels, size: Size): Promise<Pixels> {
  const right = size.width - picture.width;
  const bottom = size.height - picture.height;
  if (right === 0 && bottom === 0) return picture;
  const padded = await openPixels(picture)
    .extend({ extendWith: 'copy', right, bottom })
    .toColourspace(picture.channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  return new MemoryPixels(size, picture.channels, padded);
}
