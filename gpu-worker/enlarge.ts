/**
 * Super-resolution: decode → enlarge by tiles → encode, and the bicubic enlargement beside it.
 */
import type { ParametersOf } from '../shared/parameters.ts';
import { enlargeTiles } from './enlarge-tiles.ts';
import { enlargeBicubic } from './image/bicubic.ts';
import { decodeImage } from './image/decode.ts';
import { encodeImage } from './image/encode.ts';
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

  const encode = async (color: Pixels, alpha: Pixels | undefined) => ({
    ...(await encodeImage({ color, alpha }, { format, quality }, room)),
    format,
  });
  // Awaited here, not by the caller: the pixels are let go when this function returns.
  return await watch.time('encode_ms', async () => {
    await progress.enter({ phase: 'encoding', completed: 0, total: 2, unit: 'step' });
    const alpha = picture.alpha && keep(await enlargeBicubic(picture.alpha, factor, room));
    const enlarged = await encode(canvas.finish(), alpha);
    await canvas.dispose();
    signal.throwIfAborted();
    const bicubic = keep(await enlargeBicubic(picture.color, factor, room));
    const original = await encode(bicubic, alpha);
    const { width, height } = enlarged;
    return {
      pictures: { sr_image: enlarged, original_image: original },
      facts: { upscale_factor: factor, width, height },
    };
  });
}
