import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enlarge } from '../../model-tool/golden/packaged.ts';
import { builtInPictures } from '../../model-tool/golden/pictures.ts';
import { tensorInfo, type Value } from '../../model-tool/graph-builder.ts';
import { importModel } from '../../model-tool/import/import-model.ts';
import type { ImportOptions } from '../../model-tool/import/options.ts';
import type { LoadedModel } from '../../model-tool/onnx/model-file.ts';
import type { DataType } from '../../model-tool/onnx/tensor.ts';
import { Runtime } from '../../model-tool/runtime/runtime.ts';
import type { Size } from '../../model-tool/signature.ts';
import { net, noise, saved } from './tiny-models.ts';

let runtime: Runtime;
beforeAll(() => {
  runtime = new Runtime();
});
afterAll(() => runtime[Symbol.asyncDispose]());

async function setup(model: LoadedModel, options: Partial<ImportOptions> = {}) {
  const { file } = await saved(model);
  const out = await mkdtemp(join(tmpdir(), 'outboard-models-'));
  const imported = await importModel({
    file,
    name: 'tiny',
    version: '1',
    task: 'super-resolution',
    out,
    ...options,
  });
  const { manifest, folder, notes } = imported;
  if (manifest.task !== 'super-resolution') throw new Error('The manifest is of another task.');
  const [graph] = manifest.graphs;
  if (graph === undefined) throw new Error('The manifest has no graph.');
  const run = async (height: number, width: number) => {
    const pictures = builtInPictures({ height, width });
    return { pictures, enlarged: await enlarge(runtime, join(folder, graph.file), pictures) };
  };
  return { manifest, graph, notes: notes.join('\n'), run };
}

const FACTOR = 2;

/** Each pixel four times, a little sharpened by its neighbours: 3×3 convolution, then pixel shuffle. */
function enlarger(dims: readonly Size[], type: DataType = 'float32') {
  const channels = Number(dims[1]);
  const tiny = net({ type });
  tiny.model.graph.input = [tensorInfo('x', type, dims)];
  const { builder } = tiny;
  const kernels = noise(channels * FACTOR ** 2 * channels * 9).map((w) => w * 0.01);
  for (let out = 0; out < channels * FACTOR ** 2; out += 1) {
    kernels[(out * channels + Math.floor(out / FACTOR ** 2)) * 9 + 4] = 1;
  }
  const weights = builder.floats(kernels, [channels * FACTOR ** 2, channels, 3, 3]);
  const convolve = (value: Value) =>
    builder.add('Conv', [value, type === 'float16' ? builder.cast(weights, 'float16') : weights], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
    });
  const shuffle = (value: Value) => builder.add('DepthToSpace', [value], { blocksize: FACTOR, mode: 'CRD' });
  return { ...tiny, convolve, shuffle, weights };
}

const OPEN = ['batch', 3, 'height', 'width'] as const;

describe('importing enlarging nets', () => {
  it('finds the factor by running, whatever the output declares, and any size stays any', async () => {
    const { convolve, shuffle, finish } = enlarger(OPEN);
    const { graph, run } = await setup(finish({ y: [shuffle(convolve('x')), 'float32', OPEN] }));
    expect(graph).toMatchObject({
      scale: 2,
      receptive_radius: 1,
      input: { batch: 'dynamic', height: 'dynamic', width: 'dynamic', multiple_of: 1 },
    });
    const { pictures, enlarged } = await run(33, 50);
    for (const [i, picture] of enlarged.entries()) {
      expect([picture.height, picture.width]).toEqual([66, 100]);
      const [small, large] = [
        pictures[i]?.pixels[(10 * 50 + 20) * 3] ?? 0,
        picture.pixels[(20 * 100 + 40) * 3] ?? 0,
      ];
      expect(Math.abs(small - large)).toBeLessThan(30);
    }
  });

  it('sees by the look of the output that a net works in 0 to 255', async () => {
    const { builder, convolve, shuffle, finish } = enlarger(OPEN);
    const shifted = builder.difference('x', builder.floats([110]));
    const output = builder.sum(shuffle(convolve(shifted)), builder.floats([110]));
    const { notes } = await setup(finish({ y: [output, 'float32', OPEN] }));
    expect(notes).toContain('scale: 0-255 in, 0-255 out');
  });

  it('frees the size that an old pixel shuffle bakes in, and proves it where the net sees little', async () => {
    const { builder, convolve, finish } = enlarger([1, 1, 48, 40]);
    const split = builder.reshape(convolve('x'), [1, 1, 2, 2, 48, 40]);
    const output = builder.reshape(builder.transpose(split, [0, 1, 4, 2, 5, 3]), [1, 1, 96, 80]);
    const { graph, notes, run } = await setup(finish({ y: [output, 'float32', [1, 1, 96, 80]] }));
    expect(graph.input).toMatchObject({ batch: 'dynamic', height: 'dynamic', width: 'dynamic' });
    expect(notes).toContain('brightness alone');
    // Bicubic colour sees two pixels, further than the net.
    expect(graph.receptive_radius).toBe(2);
    const { enlarged } = await run(30, 70);
    expect(enlarged.map(({ height, width }) => [height, width])).toEqual(Array(3).fill([60, 140]));
  });

  it('keeps the one size of a net that looks at the whole picture', async () => {
    const { builder, convolve, shuffle, finish } = enlarger([1, 3, 48, 48]);
    const mean = builder.add('GlobalAveragePool', ['x']);
    const faint = builder.product(builder.difference('x', mean), builder.floats([0.1]));
    const output = shuffle(convolve(builder.sum('x', faint)));
    const model = finish({ y: [output, 'float32', [1, 3, 96, 96]] });
    const { graph, notes } = await setup(model);
    expect(graph.input).toMatchObject({ batch: 'dynamic', height: 48, width: 48 });
    expect(graph).toMatchObject({ receptive_radius: null, tile: { height: 48, width: 48 } });
    expect(notes).toContain('size: 48×48 only');
    expect(notes).toContain('will be refused. Say --overlap PIXELS');
    const cut = await setup(model, { overlap: 12 });
    expect(cut.graph).toMatchObject({ receptive_radius: 12, tile: { height: 48, width: 48 } });
    await expect(setup(model, { overlap: 21 })).rejects.toThrow('cannot overlap by 21');
  });

  it('measures how far a net sees where its operators do not tell', async () => {
    const { builder, shuffle, convolve, finish } = enlarger(OPEN);
    const mirrored = builder.add('Pad', ['x', builder.ints([0, 0, 3, 3, 0, 0, 3, 3])], { mode: 'reflect' });
    const blurred = builder.add('AveragePool', [mirrored], { kernel_shape: [7, 7] });
    const { graph, notes } = await setup(
      finish({ y: [shuffle(convolve(blurred)), 'float32', ['n', 3, 'h', 'w']] }),
      { scale: '0-1', outputScale: '0-1' },
    );
    expect(graph.receptive_radius).toBe(8);
    expect(notes).toContain('not known from its operators; on the pictures tried');
  });

  it('counts padding on one side only as farther sight to that side', async () => {
    const { builder, shuffle, convolve, finish } = enlarger(OPEN);
    const weights = builder.floats(
      Array.from({ length: 75 }, (_, i) => (i % 25 === 0 ? 1 : 0)),
      [3, 1, 5, 5],
    );
    const moved = builder.add('Conv', ['x', weights], { pads: [4, 4, 0, 0], group: 3 });
    const output = shuffle(convolve(moved));
    const { graph } = await setup(finish({ y: [output, 'float32', ['n', 3, 'h', 'w']] }), {
      scale: '0-1',
      outputScale: '0-1',
    });
    expect(graph.receptive_radius).toBe(5);
  });

  it('takes 0 to 1 for granted where a net shows a picture in it, and -1 to 1 where its last operator says so', async () => {
    const bounded = (low?: number) => {
      const { builder, shuffle, convolve, finish } = enlarger(OPEN);
      // Off by a few levels of 255 in 0 to 1, and by nothing that shows in 0 to 255.
      const off = builder.sum(shuffle(convolve('x')), builder.floats([0.022]));
      const y = low === undefined ? off : builder.clip(off, low, 1);
      return finish({ y: [y, 'float32', ['n', 3, 'h', 'w']] });
    };
    const usual = (await setup(bounded())).notes;
    expect(usual).toContain('scale: 0-1 in, 0-1 out');
    expect(usual).toContain('So it does with others (0-255 in, 0-255 out');
    expect((await setup(bounded(-1))).notes).toContain('scale: -1-1 in, -1-1 out');
  });

  it('cuts no tiles that are all margin: a net that sees far gets larger ones, one that sees too far is measured', async () => {
    const far = (dilation: number) => {
      const { builder, shuffle, convolve, finish } = enlarger(OPEN);
      const weights = builder.floats(
        Array.from({ length: 27 }, (_, i) => (i % 9 === 4 ? 0.84 : 0.02)),
        [3, 1, 3, 3],
      );
      const seen = builder.add('Conv', ['x', weights], {
        dilations: [dilation, dilation],
        pads: Array(4).fill(dilation),
        group: 3,
      });
      return finish({ y: [shuffle(convolve(seen)), 'float32', ['n', 3, 'h', 'w']] });
    };
    const range = { scale: '0-1', outputScale: '0-1' } as const;
    expect((await setup(far(80), range)).graph).toMatchObject({ receptive_radius: 81, tile: { width: 384 } });
    const { graph, notes } = await setup(far(140), range);
    expect(graph).toMatchObject({ receptive_radius: null, tile: { width: 256 } });
    expect(notes).toContain('141 pixels by its operators, and tiles of 256×256 do not agree');
  });

  it('refuses mean and deviation, which it could not put back', async () => {
    const { shuffle, convolve, finish } = enlarger(OPEN);
    const model = finish({ y: [shuffle(convolve('x')), 'float32', ['n', 3, 'h', 'w']] });
    await expect(setup(model, { mean: [0.5, 0.5, 0.5] })).rejects.toThrow('--scale -1-1 where both are 0.5');
  });

  it('finds the multiple that a net which halves and doubles again insists on', async () => {
    const { builder, convolve, shuffle, finish } = enlarger(OPEN);
    const half = builder.add('AveragePool', ['x'], { kernel_shape: [4, 4], strides: [4, 4] });
    const again = builder.add('Resize', [half, '', builder.floats([1, 1, 4, 4])], { mode: 'nearest' });
    const mixed = builder.sum(
      builder.product('x', builder.floats([0.9])),
      builder.product(again, builder.floats([0.1])),
    );
    const { graph } = await setup(finish({ y: [shuffle(convolve(mixed)), 'float32', OPEN] }));
    expect(graph.input.multiple_of).toBe(4);
  });

  it('imports a float16 net with float32 at its edges', async () => {
    const { convolve, shuffle, finish } = enlarger(OPEN, 'float16');
    const { notes, run } = await setup(finish({ y: [shuffle(convolve('x')), 'float16', OPEN] }));
    expect(notes).toContain('float16: the net keeps computing in it');
    expect((await run(16, 16)).enlarged).toHaveLength(3);
  });

  it('takes the net out from between values that are named', async () => {
    const { builder, convolve, shuffle, finish } = enlarger(OPEN);
    const before = builder.called(builder.product('x', builder.floats([1])), 'net_in');
    const after = builder.called(shuffle(convolve(before)), 'net_out');
    const strange = builder.add('EncodeImage', [after]);
    const model = finish({ y: [builder.add('Identity', [strange]), 'uint8', ['bytes']] });
    for (const node of model.graph.node)
      if (node.op_type === 'EncodeImage') node.domain = 'com.microsoft.extensions';
    await expect(setup(model)).rejects.toThrow('com.microsoft.extensions::EncodeImage');
    const { notes, graph } = await setup(model, { input: 'net_in', output: ['net_out'] });
    expect(notes).toContain('cut out: the net between net_in and net_out');
    expect(graph).toMatchObject({ scale: 2, receptive_radius: 1 });
  });

  it('refuses what does not enlarge', async () => {
    const flat = net();
    const weighed = flat.builder.product('x', flat.builder.floats([1]));
    const output = flat.builder.add('GlobalAveragePool', [weighed]);
    await expect(setup(flat.finish({ y: [output, 'float32', [1, 3, 1, 1]] }))).rejects.toThrow(
      'no enlargement',
    );
  });
});
