/**
 * Where a picture is cut. Every tile has one exact size, so that one compiled shape serves all of them, and each
 * answers for a core whose pixels lie `overlap` or more from any cut: with overlap ≥ the network's receptive
 * radius the tiled result equals the whole one bit for bit. A smaller margin shows as seams.
 */

/** A rectangle of pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Tile {
  /** What the network sees: inside the picture, of tile size (the picture's own size where that is smaller). */
  readonly source: Window;
  /** What it answers for, in the picture's coordinates. The cores of all tiles partition the picture. */
  readonly core: Window;
}

export interface TileGrid {
  /** The picture, pixels. */
  readonly width: number;
  readonly height: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Margin, pixels, between a core and any edge of its tile that is not an edge of the picture. */
  readonly overlap: number;
  /**
   * Tiles begin at multiples of this; picture and tile are multiples too. A network that halves and doubles again sees
   * the same pixels differently wherever it begins elsewhere.
   */
  readonly step?: number;
}

/**
 * The tiles in reading order, ⌈(L − 2·overlap) ÷ (T − 2·overlap)⌉ along an axis longer than the tile.
 * @throws RangeError where a size is not a positive integer or a tile is all margin.
 */
export function planTiles({ width, height, tileWidth, tileHeight, overlap, step = 1 }: TileGrid): Tile[] {
  const columns = cutAxis(width, tileWidth, overlap, step);
  const rows = cutAxis(height, tileHeight, overlap, step);
  return rows.flatMap((row) =>
    columns.map((column) => ({
      source: { left: column.start, top: row.start, width: column.length, height: row.length },
      core: {
        left: column.coreStart,
        top: row.coreStart,
        width: column.coreEnd - column.coreStart,
        height: row.coreEnd - row.coreStart,
      },
    })),
  );
}

/** A rectangle of the picture in the coordinates of its tile's output, which is `factor` times larger. */
export function coreInOutput({ source, core }: Tile, factor: number): Window {
  return {
    left: (core.left - source.left) * factor,
    top: (core.top - source.top) * factor,
    width: core.width * factor,
    height: core.height * factor,
  };
}

/**
 * One tile as several smaller ones with the same core and within the same window, for a device with too little memory.
 * Pixels of the core keep their distance from every cut: those of the tile are at least `overlap` away, and so are
 * those of its parts. @returns the tile alone where windows of that size would be all margin
 */
export function splitTile(
  tile: Tile,
  tileWidth: number,
  tileHeight: number,
  overlap: number,
  step = 1,
): Tile[] {
  const { left, top, width, height } = tile.source;
  const isPossible = (length: number, part: number) => length <= part || part > 2 * aligned(overlap, step);
  if (!isPossible(width, tileWidth) || !isPossible(height, tileHeight)) return [tile];
  return planTiles({ width, height, tileWidth, tileHeight, overlap, step }).flatMap((part) => {
    const core = intersection(moved(part.core, left, top), tile.core);
    return core === undefined ? [] : [{ source: moved(part.source, left, top), core }];
  });
}

const moved = (window: Window, left: number, top: number): Window => ({
  ...window,
  left: window.left + left,
  top: window.top + top,
});

/** @returns undefined where they have no pixel in common */
export function intersection(a: Window, b: Window): Window | undefined {
  const [left, top] = [Math.max(a.left, b.left), Math.max(a.top, b.top)];
  const width = Math.min(a.left + a.width, b.left + b.width) - left;
  const height = Math.min(a.top + a.height, b.top + b.height) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
}

interface Span {
  readonly start: number;
  readonly length: number;
  readonly coreStart: number;
  readonly coreEnd: number;
}

const aligned = (length: number, step: number): number => Math.ceil(length / step) * step;

function cutAxis(length: number, tile: number, least: number, step: number): Span[] {
  if (![length, tile].every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new RangeError(`Not a size in pixels: ${length} by tiles of ${tile}`);
  }
  if (!Number.isSafeInteger(least) || least < 0) throw new RangeError(`Not an overlap: ${least}`);
  if (length > tile && (length % step !== 0 || tile % step !== 0)) {
    throw new RangeError(`Neither ${length} nor ${tile} may be anything but a multiple of ${step}`);
  }
  const overlap = aligned(least, step);
  if (length <= tile) return [{ start: 0, length, coreStart: 0, coreEnd: length }];
  if (tile <= 2 * overlap) throw new RangeError(`A tile of ${tile} is all margin with overlap ${overlap}`);

  const count = Math.ceil((length - 2 * overlap) / (tile - 2 * overlap));
  // Evenly spread: neighbours then share the spare pixels instead of the last tile repeating most of its left one.
  const start = (index: number) => Math.floor((index * (length - tile)) / (count - 1) / step) * step;
  // The cut runs through the middle of what two neighbours both see, which is 2·overlap wide or more.
  const cut = (index: number) => Math.floor((start(index - 1) + tile + start(index)) / 2);
  return Array.from({ length: count }, (_, index) => ({
    start: start(index),
    length: tile,
    coreStart: index === 0 ? 0 : cut(index),
    coreEnd: index === count - 1 ? length : cut(index + 1),
  }));
}
