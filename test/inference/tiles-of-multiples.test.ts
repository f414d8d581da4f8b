/** A network that halves and doubles again sees the same pixels differently wherever it begins off its grid. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { enlargeTiles } from '../../gpu-worker/enlarge-tiles.ts';
import { createPixels } from '../../gpu-worker/image/pixels.ts';
import { GraphBuilder, tensorInfo } from '../../model-tool/graph-builder.ts';
import { writeModel } from '../../model-tool/onnx/model-file.ts';
import { emptyModel } from '../model-tool/tiny-models.ts';
import { noise, openPool, turnOf } from './setup.ts';

const BLOCK = 4;

/** Every pixel becomes the brightest of its block of 4×4. */
async function writeBlocks(): Promise<string> {
  const model = emptyModel();
  const shape = ['batch', 'height', 'width', 3];
  model.graph.input = [tensorInfo('image', 'uint8', shape)];
  model.graph.output = [tensorInfo('blocks', 'uint8', shape)];
  const builder = new GraphBuilder(model, 'blocks');
  const planes = builder.transpose(builder.cast('image', 'float32'), [0, 3, 1, 2]);
  const best = builder.add('MaxPool', [planes], { kernel_shape: [BLOCK, BLOCK], strides: [BLOCK, BLOCK] });
  const grown = builder.add('Resize', [best, '', builder.floats([1, 1, BLOCK, BLOCK])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  builder.called(builder.cast(builder.transpose(grown, [0, 2, 3, 1]), 'uint8'), 'blocks');
  builder.append();
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'outboard-test-')), 'blocks.onnx');
  await writeModel(file, model);
  return file;
}

it('gives by tiles what it gives whole, at any size, in memory and from scratch files', async () => {
  const file = { path: await writeBlocks(), inputName: 'image', outputName: 'blocks', scale: 1 };
  const tensor = { dtype: 'uint8', layout: 'NHWC', channels: 3 } as const;
  const size = { width: 150, height: 101 };
  const enlarge = async (side: number, maxPixelsInMemory: number) => {
    const room = {
      scratchDirectory: await mkdtemp(path.join(tmpdir(), 'outboard-test-')),
      maxPixelsInMemory,
    };
    const source = await createPixels(size, 3, room);
    source.writeWindow({ left: 0, top: 0, ...size }, noise(size.width * size.height * 3, 1));
    const graph = {
      file: 'blocks.onnx',
      sha256: '',
      bytes: 1,
      scale: 1,
      input: {
        name: 'image',
        ...tensor,
        batch: 'dynamic',
        height: 'dynamic',
        width: 'dynamic',
        multiple_of: BLOCK,
      },
      output: { name: 'blocks', ...tensor },
      receptive_radius: BLOCK - 1,
      tile: { width: side, height: side },
    } as const;
    const canvas = await enlargeTiles(
      source,
      { file, graph },
      {
        device: openPool().device,
        room,
        turn: turnOf('job'),
        signal: new AbortController().signal,
        onTile: () => {},
      },
    );
    const pixels = new Uint8Array(size.width * size.height * 3);
    canvas.finish().readWindow({ left: 0, top: 0, ...size }, pixels);
    return pixels;
  };
  const whole = await enlarge(256, 1e6);
  expect(new Set(whole).size).toBeGreaterThan(10);
  for (const side of [16, 40]) expect(await enlarge(side, 1e6)).toEqual(whole);
  expect(await enlarge(40, 0)).toEqual(whole);
});
