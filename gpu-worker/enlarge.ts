/**
 * Super-resolution: decode → enlarge by tiles → encode, and the bicubic enlargement beside it. Both are drawn by the device at the same
 * time, so that a job asks for all its runs at once and never comes back for a turn while the device waits for it. Pictures in
 * scratch files are drawn one after the other: they take the disk of one, and have tiles enough.
 */
import type { ParametersOf } from '../shared/parameters.ts';
import { bicubicGraph } from './bicubic-graph.ts';
import { enlargeTiles } from './enlarge-tiles.ts';
import type { Canvas } from './image/canvas.ts';
import { decodeImage } from './image/decode.ts';
import { encodeImage } from './image/encode.ts';
import { enlargePlane } from './image/enlarge-plane.ts';
import { fitsInMemory, type Pixels } from './image/pixels.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { type LoadedModel, pictureGraph, type TiledGraph } from './loaded-model.ts';
import type { Attempt, TaskResult } from './pipeline.ts';

export async function enlarge(
  attempt: Attempt,
  model: LoadedModel<'super-resolution'>,
  { upscale_factor: factor, output_format: format, quality }: ParametersOf['super-resolution'],
  device: Pick<DevicePool, 'enlarge' | 'lookahead'>,
): Promise<TaskResult> {
  const { source, info, room, watch, turn } = attempt;
  const { signal, progress } = attempt.context;
  const network = pictureGraph(model, factor);

  await using pixels = new AsyncDisposableStack();
  const keep = <T extends { dispose(): Promise<void> }>(owned: T): T =>
    pixels.adopt(owned, (owner) => owner.dispose());
  const picture = keep(await watch.time('decode_ms', () => decodeImage(source, info, room)));
  signal.throwIfAborted();

  await progress.enter({ phase: 'enlarging', completed: 0, total: 1, unit: 'step' });
  const onTile = (completed: number, total: number) =>
    progress.report({ phase: 'enlarging', completed, total, unit: 'tile' });
  /** What fails first takes the others back; all are waited for, because they read the picture. */
  const draw = async (...graphs: readonly TiledGraph[]): Promise<Canvas[]> => {
    const failure = new AbortController();
    const either = AbortSignal.any([signal, failure.signal]);
    const drawings = graphs.map(async (tiled) => {
      const options = { device, room, turn, signal: either, onTile: tiled === network ? onTile : () => {} };
      try {
        return keep(await enlargeTiles(picture.color, tiled, options));
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    });
    await watch.time('compute_ms', () => Promise.allSettled(drawings));
    either.throwIfAborted();
    return Promise.all(drawings);
  };

  const made = { width: info.width * factor, height: info.height * factor };
  // A network that keeps the size has its source beside it.
  const twins = factor === 1 ? [] : [bicubicGraph(factor)];
  const isTogether = fitsInMemory(made, room);
  // The short runs first: behind the network's, the job would wait for them with nothing left to compute.
  const [enlarged, drawnTwin] = (await draw(...(isTogether ? twins : []), network)).toReversed();
  if (enlarged === undefined) throw new Error('Nothing was drawn');

  await progress.enter({ phase: 'encoding', completed: 0, total: 2, unit: 'step' });
  const { alpha: opacity } = picture;
  const alpha = opacity && keep(await watch.time('encode_ms', () => enlargePlane(opacity, factor, room)));
  const encode = (color: Pixels) =>
    watch.time('encode_ms', async () => ({
      ...(await encodeImage({ color, alpha }, { format, quality }, room)),
      format,
    }));
  const sr_image = await encode(enlarged.finish());
  await enlarged.dispose();
  signal.throwIfAborted();
  progress.report({ phase: 'encoding', completed: 1, total: 2, unit: 'step' });
  const [twin] = isTogether ? [drawnTwin] : await draw(...twins);
  // Awaited here, not by the caller: the pixels are let go when this function returns.
  const original_image = await encode(twin?.finish() ?? picture.color);
  const { width, height } = sr_image;
  return { pictures: { sr_image, original_image }, facts: { upscale_factor: factor, width, height } };
}
