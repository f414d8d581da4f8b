/**
 * The network's part of an enlargement: the picture goes through it tile by tile, each result is written to its
 * place on the canvas. Tiles share one exact shape and overlap by the receptive radius, so the result equals one run
 * over the whole picture bit for bit, while memory holds a few tiles.
 */
import { type Canvas, createCanvas } from './image/canvas.ts';
import type { Raster } from './image/decode.ts';
import type { Room } from './image/pixels.ts';
import type { DevicePool, Slot } from './inference/device-pool.ts';
import type { LoadedGraph } from './model-registry.ts';
import { coreInOutput, planTiles, type Tile } from './tensor/tiles.ts';

interface EnlargeOptions {
  readonly device: Pick<DevicePool, 'acquire' | 'slotCount'>;
  readonly room: Room;
  readonly signal: AbortSignal;
  readonly onTile: (completed: number, total: number) => void;
}

/** @returns a canvas with every pixel written, `scale` times the size of the picture; the caller disposes of it. */
export async function enlargeTiles(
  picture: Raster,
  { file, graph }: LoadedGraph,
  options: EnlargeOptions,
): Promise<Canvas> {
  const { device, room, signal, onTile } = options;
  const { scale, receptive_radius: overlap, tile: shape } = graph;
  const { width, height } = picture;
  const tiles = planTiles({ width, height, tileWidth: shape.width, tileHeight: shape.height, overlap });
  const canvas = await createCanvas({ width: width * scale, height: height * scale }, 3, room);
  let next = 0;
  let completed = 0;

  async function run(tile: Tile, slot: Slot): Promise<void> {
    const { width: columns, height: rows } = tile.source;
    picture.color.readWindow(tile.source, slot.input(columns * rows * 3));
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
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await canvas.dispose();
    throw failed.reason;
  }
  return canvas;
}
