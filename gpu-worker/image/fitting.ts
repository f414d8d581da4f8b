/**
 * Where a picture lies on the fixed input of a classifier or detector. Pure arithmetic, and the only place for it: the
 * pixels, the boxes that are brought back and the examples of an import all follow from these numbers.
 */
import type { Resize } from '../../shared/model.ts';
import type { Size } from './pixels.ts';

export interface Fitting {
  /** What the whole upright picture is resized to, in pixels of the input. */
  readonly scaled: Size;
  /** Its top left corner on the input; negative where the input shows only the middle of it. */
  readonly offset: { readonly x: number; readonly y: number };
}

/** A fraction has few digits: 224 / 0.96552 is meant to be 232. */
const NEARLY = 0.01;

/** @param picture upright · @param size of the input */
export function fittingOf(
  picture: Size,
  size: Size,
  { mode, anchor, crop_fraction }: Pick<Resize, 'mode' | 'anchor' | 'crop_fraction'>,
): Fitting {
  if (mode === 'stretch') return { scaled: { ...size }, offset: { x: 0, y: 0 } };
  // As timm and torchvision do: first to a whole number of pixels (256), then the middle of that (224).
  const before = (side: number) => (mode === 'cover' ? Math.floor(side / crop_fraction + NEARLY) : side);
  const x = before(size.width) / picture.width;
  const y = before(size.height) / picture.height;
  const factor = mode === 'cover' ? Math.max(x, y) : Math.min(x, y);
  const scaled = {
    width: Math.max(1, Math.round(picture.width * factor)),
    height: Math.max(1, Math.round(picture.height * factor)),
  };
  const along = (input: number, length: number) =>
    mode === 'cover' || anchor === 'centre' ? Math.trunc((input - length) / 2) : 0;
  return {
    scaled,
    offset: { x: along(size.width, scaled.width), y: along(size.height, scaled.height) },
  };
}
