/** Settles how an enlarger's large pictures are cut: the tile's size, and by how much tiles overlap. */
import { measureReach } from '../golden/measure-reach.ts';
import { Refusal } from '../refusal.ts';
import type { Bench } from './bench.ts';
import type { PictureSize } from './options.ts';

export interface Tiling {
  readonly tile: PictureSize;
  /** `undefined`: tiles would show seams, so pictures are enlarged whole or not at all. */
  readonly overlap: number | undefined;
}

interface Net {
  readonly path: string;
  readonly factor: number;
  readonly multipleOf: number;
  /** The one size that it takes, if it takes no other. */
  readonly size: PictureSize | undefined;
  readonly batch: number;
  /** Farthest pixel that counts, by its operators. */
  readonly reach: number | undefined;
}

const LARGE_NET = 1_000_000;
/** Beyond these, one run takes seconds on a GPU and minutes on a CPU. */
const SIDES = [128, 256, 384, 512];
/** Pixels beside the overlaps that make a tile worth its while. */
const LEAST_CORE = 8;

export async function planTiling({ subject, options, runtime, note }: Bench, net: Net): Promise<Tiling> {
  const { reach, multipleOf, size } = net;
  const asked = options.tile === undefined ? undefined : checkedTile(options.tile, multipleOf);
  const tile = size ?? asked ?? square(sideOf(subject.parameters, reach, multipleOf));
  const least = Math.min(tile.height, tile.width);
  const fits = (overlap: number) => least >= 2 * Math.ceil(overlap / multipleOf) * multipleOf + LEAST_CORE;
  if (options.overlap !== undefined) {
    if (!fits(options.overlap))
      throw new Refusal(
        `Tiles of ${tile.height}×${tile.width} cannot overlap by ${options.overlap} on each side.`,
        {
          flag: '--overlap',
        },
      );
    const isExact = reach !== undefined && reach <= options.overlap;
    note(
      `tiles: overlap by ${options.overlap} pixels, as said${isExact ? ', which is exact' : '; whether seams show is not known'}.`,
    );
    return { tile, overlap: options.overlap };
  }
  if (reach !== undefined && fits(reach)) {
    note(`sees: ${reach} pixels, so tiles that overlap by as much are exact.`);
    return { tile, overlap: reach };
  }
  const { path, factor, batch } = net;
  const overlap = await measureReach(runtime, path, tile, factor, multipleOf, batch);
  const known = reach === undefined ? 'not known from its operators' : `${reach} pixels by its operators`;
  note(
    overlap === undefined
      ? `sees: ${known}, and tiles of ${tile.height}×${tile.width} do not agree: pictures that are much larger will be refused. Say --overlap PIXELS to cut them all the same.`
      : `sees: ${known}; on the pictures tried nothing farther than the overlap of ${overlap} moved a pixel by more than one level.`,
  );
  return { tile, overlap };
}

const square = (side: number): PictureSize => ({ height: side, width: side });

/** Smaller tiles for larger nets, so that one run stays short; larger ones where else most of a tile would be overlap. */
function sideOf(parameters: number, reach: number | undefined, multiple: number): number {
  const usual = parameters > LARGE_NET ? 128 : 256;
  const exact = SIDES.find((side) => side >= usual && side >= 4 * (reach ?? 0));
  return Math.ceil((exact ?? usual) / multiple) * multiple;
}

function checkedTile(tile: PictureSize, multiple: number): PictureSize {
  if (tile.height % multiple === 0 && tile.width % multiple === 0) return tile;
  throw new Refusal(`The net takes multiples of ${multiple} only; --tile is none.`, { flag: '--tile' });
}
