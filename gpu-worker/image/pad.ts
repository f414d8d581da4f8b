/** A picture made larger to the right and below by repeating its edge, for networks that take certain sizes only. */
import {
  MemoryPixels,
  openPixels,
  openScratch,
  type Pixels,
  type Room,
  type Size,
  scratchPath,
} from './pixels.ts';

/** @returns the picture itself where it has this size, else a padded copy that the caller disposes of */
export async function padPixels(picture: Pixels, size: Size, room: Room): Promise<Pixels> {
  const right = size.width - picture.width;
  const bottom = size.height - picture.height;
  if (right === 0 && bottom === 0) return picture;
  const padded = openPixels(picture)
    .extend({ extendWith: 'copy', right, bottom })
    .toColourspace(picture.channels === 1 ? 'b-w' : 'srgb');
  // Beside its source: its plan says so, also where it is a few rows larger than what usually lies in memory.
  if (picture.location === 'memory')
    return new MemoryPixels(size, picture.channels, await padded.raw().toBuffer());
  const path = scratchPath(room);
  await padded.toFile(path);
  return openScratch(path, size, picture.channels);
}
