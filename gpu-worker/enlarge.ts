/**
 * Super-resolution: decode → enlarge by tiles → encode, and the bicubic enlargement beside it.
 */
import type { ParametersOf } from '../shared/parameters.ts';
import { bicubicGraph } from './bicubic-graph.ts';
import { enlargeTiles } from './enlarge-tiles.ts';
import { decodeImage } from './image/decode.ts';
import { encodeImage } from './image/encode.ts';
import { enlargePlane } from './image/enlarge-plane.ts';
import type { Pixels } from './image/pixels.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { type LoadedModel, pictureGraph } from './loaded-model.ts';
import type { Attempt, TaskResult } from './pipeline.ts';

export async function enlarge(
  attempt: Attempt,
  model: LoadedModel<'super-resolution'>,
  { upscale_factor: factor, output_format: format, quality }: ParametersOf['super-resolution'],
  device: Pick<DevicePool, 'enlarge' | 'lookahead'>,
): Promise<TaskResult> {
  const { source, info, room, watch, turn } = attempt;
  const { signal, progress } = attempt.context;
  const graph = pictureGraph(model, factor);

  await using pixels = new AsyncDisposableStack();
  const keep = <T extends { dispose(): Promise<void> }>(owned: T): T =>
    pixels.adopt(owned, (owner) => owner.dispose());
  const picture = keep(await watch.time('decode_ms', () => decodeImage(source, info, room)));
  signal.throwIfAborted();

  await progress.enter({ phase: 'enlarging', completed: 0, total: 1, unit: 'step' });
  const onTile = (completed: number, total: number) =>
    progress.report({ phase: 'enlarging', completed, total, unit: 'tile' });
  const canvas = keep(
    await watch.time('compute_ms', () =>
      enlargeTiles(picture.color, graph, { device, room, turn, signal, onTile }),
    ),
  );
  /** The comparison picture; a network that keeps the size has its source beside it. */
  const twin = async (): Promise<Pixels> => {
    if (factor === 1) return picture.color;
    const onTile = () => {};
    const drawn = enlargeTiles(picture.color, bicubicGraph(factor), { device, room, turn, signal, onTile });
    return keep(await watch.time('compute_ms', () => drawn)).finish();
  };

  const encode = async (color: Pixels, alpha: Pixels | undefined) => ({
    ...(await encodeImage({ color, alpha }, { format, quality }, room)),
    format,
  });
  await progress.enter({ phase: 'encoding', completed: 0, total: 2, unit: 'step' });
  const { alpha: opacity } = picture;
  const alpha = opacity && keep(await watch.time('encode_ms', () => enlargePlane(opacity, factor, room)));
  const enlarged = await watch.time('encode_ms', () => encode(canvas.finish(), alpha));
  await canvas.dispose();
  signal.throwIfAborted();
  progress.report({ phase: 'encoding', completed: 1, total: 2, unit: 'step' });
  const bicubic = await twin();
  // Awaited here, not by the caller: the pixels are let go when this function returns.
  const original = await watch.time('encode_ms', () => encode(bicubic, alpha));
  const { width, height } = enlarged;
  return {
    pictures: { sr_image: enlarged, original_image: original },
    facts: { upscale_factor: factor, width, height },
  };
}
