/**
 * How far a net really sees: two windows of one picture must agree wherever both are far enough from their edges, and so
 * must two pictures wherever they are alike and far enough from where they differ. Where
 * the operators do not tell (reflected borders, attention), or tell of a reach that hardly any pixel uses (hundreds of
 * layers), this finds an overlap that shows no seams on the pictures tried.
 */
import type { PictureSize } from '../import/options.ts';
import type { Picture } from '../reference/preprocess.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { crop, type Place } from './crop.ts';
import { enlarge } from './packaged.ts';
import { builtInPictures } from './pictures.ts';

/** Levels of 255 that rounding may move a pixel by. */
const SAME = 1;
/** Of what was seen on few pictures. */
const SAFETY = 1.5;
const STEP = 8;

/** Odd distances, so that a net with a grid of its own shows it. */
const shifts = (tile: PictureSize, multiple: number) =>
  [
    { x: 19, y: 11 },
    { x: 5, y: 30 },
  ].map(({ x, y }) => ({
    x: Math.min(Math.ceil(x / multiple) * multiple, tile.width),
    y: Math.min(Math.ceil(y / multiple) * multiple, tile.height),
  }));

/** @returns pixels, or `undefined` where tiles of this size cannot overlap by enough */
export async function measureReach(
  runtime: Runtime,
  path: string,
  tile: PictureSize,
  factor: number,
  multiple: number,
  batch: number,
): Promise<number | undefined> {
  const most = Math.floor(Math.min(tile.height, tile.width) / 4);
  const run = async (window: Picture): Promise<Picture> => {
    const [enlarged] = await enlarge(
      runtime,
      path,
      Array.from({ length: batch }, () => window),
    );
    if (enlarged === undefined) throw new RangeError('The graph gave no picture.');
    return enlarged;
  };
  let reach = 0;
  const isSettled = async (first: Window, second: Window, common: PictureSize): Promise<boolean> => {
    const [a, b] = [await run(first.picture), await run(second.picture)];
    const agree = (margin: number) => {
      const height = (common.height - 2 * margin) * factor;
      const width = (common.width - 2 * margin) * factor;
      const part = ({ at }: Window, whole: Picture) =>
        crop(whole, { x: (at.x + margin) * factor, y: (at.y + margin) * factor }, { height, width }).pixels;
      const [one, other] = [part(first, a), part(second, b)];
      return one.every((level, i) => Math.abs(level - (other[i] ?? 0)) <= SAME);
    };
    const limit = Math.min(most, Math.floor(Math.min(common.height, common.width) / 2) - 1);
    while (reach <= limit && !agree(reach)) reach += 1;
    return reach <= limit;
  };
  for (const shift of shifts(tile, multiple)) {
    const around = { height: tile.height + shift.y, width: tile.width + shift.x };
    for (const picture of builtInPictures(around)) {
      const first = { picture: crop(picture, { x: 0, y: 0 }, tile), at: shift };
      const second = { picture: crop(picture, shift, tile), at: { x: 0, y: 0 } };
      const common = { height: tile.height - shift.y, width: tile.width - shift.x };
      if (!(await isSettled(first, second, common))) return undefined;
    }
  }
  const at = { x: most, y: most };
  const inner = { height: tile.height - 2 * most, width: tile.width - 2 * most };
  for (const picture of builtInPictures(tile)) {
    const dark = { picture: darkened(picture, at, inner), at };
    if (!(await isSettled({ picture, at }, dark, inner))) return undefined;
  }
  const overlap = Math.ceil((reach * SAFETY) / STEP) * STEP;
  return overlap <= most ? overlap : undefined;
}

/** A window of a picture, and where in it the part lies that another window shows too. */
interface Window {
  readonly picture: Picture;
  readonly at: Place;
}

/** Black around the part that stays: what looks at the whole picture then sees another one. */
function darkened(picture: Picture, at: Place, inner: PictureSize): Picture {
  const kept = crop(picture, at, inner);
  const pixels = new Uint8Array(picture.pixels.length);
  for (let row = 0; row < inner.height; row += 1) {
    const start = row * inner.width * 3;
    pixels.set(
      kept.pixels.subarray(start, start + inner.width * 3),
      ((at.y + row) * picture.width + at.x) * 3,
    );
  }
  return { ...picture, pixels };
}
