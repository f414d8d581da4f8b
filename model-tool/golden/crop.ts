/** Windows of pictures. */
import type { PictureSize } from '../import/options.ts';
import type { Picture } from '../reference/preprocess.ts';

export interface Place {
  readonly x: number;
  readonly y: number;
}

export function crop({ pixels, width }: Picture, { x, y }: Place, size: PictureSize): Picture {
  const out = new Uint8Array(size.height * size.width * 3);
  for (let row = 0; row < size.height; row += 1) {
    const start = ((y + row) * width + x) * 3;
    out.set(pixels.subarray(start, start + size.width * 3), row * size.width * 3);
  }
  return { ...size, pixels: out };
}
