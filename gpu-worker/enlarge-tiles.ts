/**
 * The network's part of an enlargement: the picture goes through it tile by tile, each result is written to its
 * place on the canvas. Tiles share one exact shape and overlap by the receptive radius, so the result equals one run
 * over the whole picture bit for bit, while memory holds a few tiles.
 */
import { OutboardError } from '../shared/errors.ts';
import { type Canvas, createCanvas } from './image/canvas.ts';
import { padPixels } from './image/pad.ts';
import type { Pixels, Room, Size } from './image/pixels.ts';
import type { Turn } from './inference/batch-queue.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { pictureLane, type TiledGraph } from './loaded-model.ts';
import { isOutOfMemory } from './or-alone.ts';
import { coreInOutput, intersection, planTiles, splitTile, type Tile, type Window } from './tensor/tiles.ts';

interface EnlargeOptions {
  readonly device: Pick<DevicePool, 'enlarge' | 'lookahead'>;
  readonly room: Room;
  readonly turn: Turn;
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
  loaded: TiledGraph,
  options: EnlargeOptions,
): Promise<Canvas> {
  const { graph } = loaded;
  const { device, room, turn, onTile } = options;
  const { scale, tile: shape } = graph;
  const seen = await padPixels(picture, sizeSeen(picture, graph), room);
  const tiles = tilesOf(seen, graph).flatMap((tile) => {
    const core = inside(tile.core, picture);
    return core === undefined ? [] : [{ ...tile, core }];
  });
  const canvas = await createCanvas(
    { width: picture.width * scale, height: picture.height * scale },
    3,
    room,
  );
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  let next = 0;
  let completed = 0;

  function run(tile: Tile, isAlone: boolean): Promise<void> {
    const { source, core } = tile;
    // Parts of a tile come in a few sizes that come again: usual is whatever was cut.
    const isUsual = source.width === shape.width && source.height === shape.height;
    return device.enlarge({
      lane: pictureLane(loaded, source, isUsual),
      turn,
      signal,
      isAlone,
      fill: (input) => seen.readWindow(source, input),
      read: (output) =>
        canvas.writeTile(output, source.width * scale, coreInOutput(tile, scale), {
          left: core.left * scale,
          top: core.top * scale,
        }),
    });
  }

  /** A tile that the device has no memory for is cut into smaller ones, as long as the network allows; then alone. */
  async function runSomehow(tile: Tile): Promise<void> {
    try {
      await run(tile, false);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      const parts = partsOf(tile, graph);
      if (parts.length > 1) for (const part of parts) await runSomehow(part);
      else await run(tile, true);
    }
  }

  /** One of several that take tiles in turn. */
  async function takeTiles(): Promise<void> {
    for (let tile = tiles[next++]; tile !== undefined; tile = tiles[next++]) {
      await runSomehow(tile);
      completed += 1;
      onTile(completed, tiles.length);
      signal.throwIfAborted();
    }
  }

  // The first failure takes back what waits; it is the reason that all others then give.
  const takers = Array.from({ length: Math.min(device.lookahead, tiles.length) }, () =>
    takeTiles().catch((error: unknown) => {
      failure.abort(error);
      throw error;
    }),
  );
  // All are waited for: a canvas must not be disposed of while one of them still writes.
  const results = await Promise.allSettled(takers);
  if (seen !== picture) await seen.dispose();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await canvas.dispose();
    throw signal.reason;
  }
  return canvas;
}

/** The same core from windows of half the size, if the network takes such; else the tile itself. */
function partsOf(tile: Tile, { receptive_radius: overlap, input }: TiledGraph['graph']): Tile[] {
  if (overlap === null || input.width !== 'dynamic' || input.height !== 'dynamic') return [tile];
  const half = (length: number) => Math.ceil(length / 2 / input.multiple_of) * input.multiple_of;
  return splitTile(tile, half(tile.source.width), half(tile.source.height), overlap, input.multiple_of);
}

/** The size the network is shown: it may take one size only, or only multiples of some number. */
function sizeSeen({ width, height }: Size, { input }: TiledGraph['graph']): Size {
  const along = (length: number, fixed: number | 'dynamic') => {
    if (fixed !== 'dynamic') return Math.max(length, fixed);
    // A longer axis is cut into tiles, which begin at multiples too.
    return Math.ceil(length / input.multiple_of) * input.multiple_of;
  };
  return { width: along(width, input.width), height: along(height, input.height) };
}

/** Pictures up to this many times a tile's pixels go whole through a network that cannot be cut into tiles. */
const WHOLE_TILES = 4;

function tilesOf({ width, height }: Size, graph: TiledGraph['graph']): Tile[] {
  const { receptive_radius: overlap, tile, input } = graph;
  if (overlap !== null)
    return planTiles({
      width,
      height,
      tileWidth: tile.width,
      tileHeight: tile.height,
      overlap,
      step: input.multiple_of,
    });
  const isFree = input.width === 'dynamic' && input.height === 'dynamic';
  const limit = tile.width * tile.height * (isFree ? WHOLE_TILES : 1);
  if (width * height > limit) {
    const detail = `This model looks at the whole picture at once, so the limit is ${limit} pixels.`;
    throw new OutboardError('image_too_many_pixels', { detail });
  }
  return planTiles({ width, height, tileWidth: width, tileHeight: height, overlap: 0 });
}

/** The part of a core that is picture, not padding. */
const inside = (core: Window, { width, height }: Size): Window | undefined =>
  intersection(core, { left: 0, top: 0, width, height });
