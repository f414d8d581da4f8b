/**
 * The network's part of an enlargement: the picture goes through it tile by tile, each result is written to its
 * place on the canvas. Tiles share one exact shape and overlap by the receptive radius, so the result equals one run
 * over the whole picture bit for bit, while memory holds a few tiles.
 */
import { OutboardError } from '../shared/errors.ts';
import type { SuperResolutionGraph } from '../shared/model.ts';
import { type Canvas, createCanvas } from './image/canvas.ts';
import { padPixels } from './image/pad.ts';
import type { Pixels, Room, Size } from './image/pixels.ts';
import type { DevicePool, Slot } from './inference/device-pool.ts';
import type { LoadedGraph } from './loaded-model.ts';
import { coreInOutput, planTiles, type Tile, type Window } from './tensor/tiles.ts';

interface EnlargeOptions {
  readonly device: Pick<DevicePool, 'acquire' | 'slotCount'>;
  readonly room: Room;
  readonly signal: AbortSignal;
  readonly onTile: (completed: number, total: number) => void;
}

/**
 * @param picture RGB
 * @returns a canvas with every pixel written, `scale` times the size of the picture; the caller disposes of it.
 * @throws image_too_many_pixels where the picture would have to be cut and the network cannot be
 */
export async function enlargeTiles(
  picture: Pixels,
  { file, graph }: LoadedGraph,
  options: EnlargeOptions,
): Promise<Canvas> {
  const { device, room, signal, onTile } = options;
  const { scale, tile: shape } = graph;
  const { width, height } = picture;
  const seen = await padPixels(picture, sizeSeen(picture, graph));
  const tiles = tilesOf(seen, graph).flatMap((tile) => {
    const core = inside(tile.core, picture);
    return core === undefined ? [] : [{ ...tile, core }];
  });
  const canvas = await createCanvas({ width: width * scale, height: height * scale }, 3, room);
  let next = 0;
  let completed = 0;

  async function run(tile: Tile, slot: Slot): Promise<void> {
    const { width: columns, height: rows } = tile.source;
    seen.readWindow(tile.source, slot.input(columns * rows * 3));
    const isLane = columns === shape.width && rows === shape.height;
    const output = await slot.run(file, { batch: 1, height: rows, width: columns }, isLane);
    const at = { left: tile.core.left * scale, top: tile.core.top * scale };
    canvas.writeTile(output, columns * scale, coreInOutput(tile, scale), at);
  }

  /** One of several that take tiles in turn; the first failure ends them all at their next tile. */
  async function takeTiles(): Promise<void> {
    for (let tile = tiles[next++]; tile !== undefined; tile = tiles[next++]) {
      const slot = await device.acquire(signal);
      try {
        await run(tile, slot);
      } catch (error) {
        next = tiles.length;
        throw error;
      } finally {
        slot.release();
      }
      completed += 1;
      onTile(completed, tiles.length);
      signal.throwIfAborted();
    }
  }

  const takers = Array.from({ length: Math.min(device.slotCount, tiles.length) }, takeTiles);
  // All are waited for: a canvas must not be disposed of while one of them still writes.
  const results = await Promise.allSettled(takers);
  if (seen !== picture) await seen.dispose();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await canvas.dispose();
    throw failed.reason;
  }
  return canvas;
}

/** The size the network is shown: it may take one size only, or only multiples of some number. */
function sizeSeen({ width, height }: Size, { input, tile }: SuperResolutionGraph): Size {
  const along = (length: number, fixed: number | 'dynamic', most: number) => {
    if (fixed !== 'dynamic') return Math.max(length, fixed);
    // A longer axis is cut into tiles, and the tile's size is one that the network takes.
    return length >= most ? length : Math.ceil(length / input.multiple_of) * input.multiple_of;
  };
  return { width: along(width, input.width, tile.width), height: along(height, input.height, tile.height) };
}

/** Pictures up to this many times a tile's pixels go whole through a network that cannot be cut into tiles. */
const WHOLE_TILES = 4;

function tilesOf({ width, height }: Size, graph: SuperResolutionGraph): Tile[] {
  const { receptive_radius: overlap, tile, input } = graph;
  if (overlap !== null)
    return planTiles({ width, height, tileWidth: tile.width, tileHeight: tile.height, overlap });
  const isFree = input.width === 'dynamic' && input.height === 'dynamic';
  const limit = tile.width * tile.height * (isFree ? WHOLE_TILES : 1);
  if (width * height > limit) {
    const detail = `This model looks at the whole picture at once, so the limit is ${limit} pixels.`;
    throw new OutboardError('image_too_many_pixels', { detail });
  }
  return planTiles({ width, height, tileWidth: width, tileHeight: height, overlap: 0 });
}

/** The part of a core that is picture, not padding. */
function inside({ left, top, width, height }: Window, picture: Size): Window | undefined {
  const columns = Math.min(left + width, picture.width) - left;
  const rows = Math.min(top + height, picture.height) - top;
  return columns > 0 && rows > 0 ? { left, top, width: columns, height: rows } : undefined;
}
