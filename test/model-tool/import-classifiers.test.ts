import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { classify } from '../../model-tool/golden/packaged.ts';
import { pngOf, readPicture } from '../../model-tool/golden/picture-file.ts';
import { builtInPictures } from '../../model-tool/golden/pictures.ts';
import { tensorInfo } from '../../model-tool/graph-builder.ts';
import { importModel } from '../../model-tool/import/import-model.ts';
import type { ImportOptions } from '../../model-tool/import/options.ts';
import { inspectFile, inspectionText } from '../../model-tool/inspect.ts';
import type { LoadedModel } from '../../model-tool/onnx/model-file.ts';
import { OperatorSetId, StringEntry, ValueInfo } from '../../model-tool/onnx/schema.ts';
import { Runtime } from '../../model-tool/runtime/runtime.ts';
import { emptyModel, features, metadata, net, noise, SIDE, saved } from './tiny-models.ts';

let runtime: Runtime;
beforeAll(() => {
  runtime = new Runtime();
});
afterAll(() => runtime[Symbol.asyncDispose]());

async function setup(model: LoadedModel | string, options: Partial<ImportOptions> = {}) {
  const file = typeof model === 'string' ? model : (await saved(model)).file;
  const out = await mkdtemp(join(tmpdir(), 'outboard-models-'));
  const given = {
    file,
    name: 'tiny',
    version: '1',
    task: 'classification',
    out,
    scale: '0-1',
    ...options,
  } as const;
  const imported = await importModel(given);
  if (imported.manifest.task !== 'classification') throw new Error('The manifest is of another task.');
  const pictures = builtInPictures({ height: SIDE, width: SIDE });
  const run = (batch = pictures) => classify(runtime, join(imported.folder, 'model.onnx'), batch);
  return { ...imported, manifest: imported.manifest, notes: imported.notes.join('\n'), run, given };
}

const CLASSES = 7;
const weights = noise(192 * CLASSES, 3);

/** A classifier whose logits depend on the picture. */
function classifier(opset = 17) {
  const tiny = net({ opset });
  const logits = tiny.builder.matMul(features(tiny.builder), tiny.builder.floats(weights, [192, CLASSES]));
  return { ...tiny, logits };
}

describe('importing classifiers', () => {
  it('frees a batch that a Reshape bakes in: three pictures at once as three alone', async () => {
    const { logits, finish } = classifier();
    const { manifest, run } = await setup(finish({ y: [logits, 'float32', [1, CLASSES]] }));
    expect(manifest.graphs[0]?.input.batch).toBe('dynamic');
    const together = await run();
    expect(new Set(together.map(({ class_ids: [best] }) => best)).size).toBeGreaterThan(1);
    for (const [i, picture] of builtInPictures({ height: SIDE, width: SIDE }).entries()) {
      expect((await run([picture]))[0]?.class_ids).toEqual(together[i]?.class_ids);
    }
  });

  it('frees a batch baked into the class token of a transformer and into the size of a Resize', async () => {
    const { builder, finish } = net();
    const half = builder.add('Resize', ['x', '', '', builder.ints([1, 3, 32, 32])], { mode: 'nearest' });
    const pooled = builder.add('AveragePool', [half], { kernel_shape: [8, 8], strides: [8, 8] });
    const patches = builder.transpose(builder.reshape(pooled, [1, 3, 16]), [0, 2, 1]);
    const tokens = builder.concat([builder.floats([0.1, 0.2, 0.3], [1, 1, 3]), patches], 1);
    const logits = builder.matMul(
      builder.reshape(tokens, [1, 51]),
      builder.floats(noise(51 * CLASSES, 2), [51, CLASSES]),
    );
    const { manifest } = await setup(finish({ y: [logits, 'float32', [1, CLASSES]] }));
    expect(manifest.graphs[0]?.input.batch).toBe('dynamic');
  });

  it('frees a batch in the ways that newer exporters and attention write it', async () => {
    const windows = net();
    const quarters = windows.builder.reshape('x', [1, 3, 2, 32, 2, 32]);
    // Four windows a picture, counted with the pictures; a literal 0 would be an empty axis.
    const parts = windows.builder.add(
      'Reshape',
      [windows.builder.transpose(quarters, [0, 2, 4, 1, 3, 5]), windows.builder.ints([4, 3, 32, 32])],
      { allowzero: 1 },
    );
    const halved = windows.builder.add('AveragePool', [parts], { kernel_shape: [8, 8], strides: [8, 8] });
    const flat = windows.builder.add('Reshape', [halved, windows.builder.ints([1, 192])], { allowzero: 1 });
    const sequence = net();
    const { builder } = sequence;
    const pooled = builder.add('AveragePool', ['x'], { kernel_shape: [8, 8], strides: [8, 8] });
    const patches = builder.transpose(builder.reshape(pooled, [1, 3, 64]), [2, 0, 1]);
    // Three heads of one channel each, in one axis with the batch; a class token that is computed from weights.
    const heads = builder.softmax(builder.reshape(builder.reshape(patches, [64, 3, 1]), [64, 3]), 1);
    const joined = builder.reshape(heads, [64, 1, 3]);
    const token = builder.add('Expand', [
      builder.floats([0.1, 0.2, 0.3], [1, 1, 3]),
      builder.ints([1, 1, 3]),
    ]);
    const tokens = builder.slice(builder.concat([token, builder.transpose(joined, [1, 0, 2])], 1), 1, 0, 64);
    for (const [tiny, numbers] of [
      [windows, flat],
      [sequence, builder.reshape(tokens, [1, 192])],
    ] as const) {
      const logits = tiny.builder.matMul(numbers, tiny.builder.floats(weights, [192, CLASSES]));
      const { manifest, notes } = await setup(tiny.finish({ y: [logits, 'float32', [1, CLASSES]] }));
      expect(manifest.graphs[0]?.input.batch, notes).toBe('dynamic');
    }
  });

  it('takes whole numbers of more than eight bits', async () => {
    const answers: number[] = [];
    for (const type of ['int32', 'int64', 'float32'] as const) {
      const { builder, model, finish } = net({ type });
      const scaled = builder.product(builder.cast('x', 'float32'), builder.floats([1 / 255]));
      const logits = builder.matMul(features(builder, scaled), builder.floats(weights, [192, CLASSES]));
      const plain = finish({ y: [logits, 'float32', [1, CLASSES]] });
      expect(plain).toBe(model);
      const { run } = await setup(plain, { scale: type === 'float32' ? '0-255' : undefined });
      answers.push((await run())[0]?.scores[0] ?? 0);
    }
    expect(answers[0]).toBeCloseTo(answers[2] ?? 0, 5);
    expect(answers[1]).toBeCloseTo(answers[2] ?? 0, 5);
  });

  it('reads one score as two classes where a sigmoid made it, and asks where none did', async () => {
    const one = (isScore: boolean) => {
      const { builder, finish } = net();
      const logit = builder.matMul(features(builder), builder.floats(noise(192, 5), [192, 1]));
      return finish({ y: [isScore ? builder.sigmoid(logit) : logit, 'float32', [1, 1]] });
    };
    const { manifest, run } = await setup(one(true));
    expect(manifest.classes).toBe(2);
    const answers = await run();
    for (const { class_ids, scores } of answers) {
      expect([...class_ids].sort()).toEqual([0, 1]);
      expect((scores[0] ?? 0) + (scores[1] ?? 0)).toBeCloseTo(1, 5);
    }
    await expect(setup(one(false))).rejects.toMatchObject({ flag: '--activation' });
    const logits = await setup(one(false), { activation: 'sigmoid' });
    expect((await logits.run())[1]?.scores[0]).toBeCloseTo(answers[1]?.scores[0] ?? 0, 4);
  });

  it('refuses what has lost the scores or has one for each place, and names the value before', async () => {
    const picked = (kind: 'best' | 'some') => {
      const { builder, logits, finish } = classifier();
      const scores = builder.softmax(logits, 1);
      if (kind === 'best')
        return {
          scores,
          model: finish({ y: [builder.add('ArgMax', [scores], { axis: 1 }), 'int64', [1, 1]] }),
        };
      return {
        scores,
        model: finish({ y: [builder.topK(scores, builder.ints([5])).values, 'float32', [1, 5]] }),
      };
    };
    for (const kind of ['best', 'some'] as const) {
      const { scores, model } = picked(kind);
      await expect(setup(model)).rejects.toThrow(`Say --output ${scores}`);
      expect((await setup(model, { output: [scores] })).manifest.classes).toBe(CLASSES);
    }
    const { builder, finish } = net();
    const map = builder.add('Conv', ['x', builder.floats(noise(15, 3), [5, 3, 1, 1])]);
    await expect(setup(finish({ y: [map, 'float32', [1, 5, SIDE, SIDE]] }))).rejects.toThrow('no classifier');
  });

  it('reads labels from JSON, by position or by class id', async () => {
    const { logits, finish } = classifier();
    const model = finish({ y: [logits, 'float32', [1, CLASSES]] });
    const { file: beside } = await saved(model);
    const names = Array.from({ length: CLASSES }, (_, id) => `kind ${id}`);
    const byId = Object.fromEntries(names.map((name, id) => [id, name]));
    for (const content of [names, byId, { model_type: 'vit', id2label: byId }]) {
      const labels = `${beside}.json`;
      await writeFile(labels, JSON.stringify(content));
      expect((await setup(model, { labels })).manifest.labels).toEqual(names);
    }
    for (const broken of ['["a",', '{"a": 1}']) {
      const labels = `${beside}.json`;
      await writeFile(labels, broken);
      await expect(setup(model, { labels })).rejects.toMatchObject({ flag: '--labels' });
    }
  });

  it('refuses pictures of four channels', async () => {
    const { model, logits, finish } = classifier();
    const made = finish({ y: [logits, 'float32', [1, CLASSES]] });
    model.graph.input = [tensorInfo('x', 'float32', [1, 4, SIDE, SIDE])];
    await expect(setup(made)).rejects.toThrow('neither 1 nor 3 channels');
  });

  it('keeps a batch of one where the net mixes pictures, and says so', async () => {
    const { builder, logits, finish } = classifier();
    const perPicture = builder.floats(noise(CLASSES), [1, CLASSES]);
    // A sum over the batch: another number of pictures would be another answer.
    const mixed = builder.add('ReduceSum', [logits, builder.ints([0])], { keepdims: 1 });
    const { manifest, notes } = await setup(
      finish({ y: [builder.sum(mixed, perPicture), 'float32', [1, CLASSES]] }),
    );
    expect(manifest.graphs[0]?.input.batch).toBe(1);
    expect(notes).toContain('batch: 1 only');
  });

  it('tells logits from probabilities', async () => {
    const logits = classifier();
    const soft = classifier();
    const first = await setup(logits.finish({ y: [logits.logits, 'float32', [1, CLASSES]] }));
    const second = await setup(
      soft.finish({ y: [soft.builder.softmax(soft.logits, 1), 'float32', [1, CLASSES]] }),
    );
    expect(first.notes).toContain('activation: softmax');
    expect(second.notes).toContain('activation: none');
    const [one, other] = [await first.run(), await second.run()];
    expect(one[0]?.scores[0]).toBeCloseTo(other[0]?.scores[0] ?? 0, 4);
  });

  it('asks where small numbers may be logits as well as scores, and sees a sigmoid', async () => {
    const small = classifier();
    const scaled = small.builder.sum(
      small.builder.product(small.logits, small.builder.floats([1e-4])),
      small.builder.floats([0.05]),
    );
    const model = small.finish({ y: [scaled, 'float32', [1, CLASSES]] });
    await expect(setup(model)).rejects.toMatchObject({
      flag: '--activation',
      message: expect.stringContaining('add up to 0.35'),
    });
    expect((await setup(model, { activation: 'softmax' })).notes).toContain('proved');
    const tagger = classifier();
    const tags = tagger.builder.sigmoid(tagger.logits);
    expect((await setup(tagger.finish({ y: [tags, 'float32', [1, CLASSES]] }))).notes).toContain(
      'activation: none',
    );
  });

  it('lifts old operators to what they mean today: Clip, Pad, Unsqueeze, Squeeze and a flattening Softmax of version 9', async () => {
    const { builder, finish, model } = net({ opset: 9 });
    const weighed = builder.product('x', builder.floats([1]));
    const clipped = builder.add('Clip', [weighed], { min: 0.125, max: 0.875 });
    const padded = builder.add('Pad', [clipped], { pads: [0, 0, 0, 0, 0, 0, 8, 8], mode: 'constant' });
    const pooled = builder.add('AveragePool', [padded], { kernel_shape: [24, 24], strides: [24, 24] });
    const five = builder.add('Unsqueeze', [pooled], { axes: [0] });
    const four = builder.add('Squeeze', [five], { axes: [0] });
    const normal = builder.add('Flatten', [builder.add('Softmax', [four], { axis: 1 })]);
    const { manifest, notes, run } = await setup(finish({ y: [normal, 'float32', [1, 27]] }));
    expect(model.opset_import[0]?.version).toBe(9n);
    expect(manifest.classes).toBe(27);
    // Flattened, the scores of all 27 add up to one; over the channels alone they would to nine.
    const [first] = await run();
    expect(first?.scores.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 3);
    expect(notes).toContain('proved');
  });

  it('reads operators that were taken out of ONNX: ImageScaler and Crop', async () => {
    const { builder, finish } = net({ opset: 8 });
    builder.add('ImageScaler', ['x'], { scale: 0.5, bias: [] }, ['scaled']);
    const smaller = builder.add('Crop', [builder.product('scaled', builder.floats([1]))], {
      border: [8, 0, 0, 8],
    });
    const pooled = builder.add('AveragePool', [smaller], { kernel_shape: [28, 28], strides: [28, 28] });
    const model = finish({ y: [builder.add('Flatten', [pooled]), 'float32', [1, 12]] });
    const scaler = model.graph.node.find(({ op_type }) => op_type === 'ImageScaler');
    const bias = scaler?.attribute.find(({ name }) => name === 'bias');
    if (bias !== undefined) Object.assign(bias, { type: 6, ints: [], floats: [0.1, 0.2, 0.3] });
    const { manifest, notes } = await setup(model, { activation: 'none' });
    expect(manifest.classes).toBe(12);
    expect(notes).toContain('proved');
  });

  it('takes pictures with channels last', async () => {
    const { builder, finish } = net();
    const turned = builder.transpose('x', [0, 3, 1, 2]);
    const logits = builder.matMul(features(builder, turned), builder.floats(weights, [192, CLASSES]));
    const model = finish({ y: [logits, 'float32', [1, CLASSES]] });
    model.graph.input = [tensorInfo('x', 'float32', [1, SIDE, SIDE, 3])];
    const { notes, run } = await setup(model);
    expect(notes).toContain('NHWC');
    const first = classifier();
    const other = await setup(first.finish({ y: [first.logits, 'float32', [1, CLASSES]] }));
    expect((await run())[0]?.class_ids).toEqual((await other.run())[0]?.class_ids);
  });

  it('packs external weights into the package, and refuses those outside the folder', async () => {
    const { logits, finish } = classifier();
    const model = finish({ y: [logits, 'float32', [1, CLASSES]] });
    const big = model.graph.initializer.find(({ dims }) => dims[0] === 192);
    const bytes = big?.raw_data ?? new Uint8Array();
    if (big === undefined) throw new Error('The weights are not there.');
    delete big.raw_data;
    big.data_location = 1;
    const entry = (key: string, value: string) => ({ ...StringEntry.empty(), key, value });
    big.external_data = [
      entry('location', 'weights.bin'),
      entry('offset', '16'),
      entry('length', `${bytes.length}`),
    ];
    const { file, folder } = await saved(model);
    await writeFile(join(folder, 'weights.bin'), Buffer.concat([Buffer.alloc(16, 1), bytes]));
    const { run, folder: packaged } = await setup(file);
    expect((await readdir(packaged)).toSorted()).toEqual(['golden-input.png', 'model.json', 'model.onnx']);
    expect(await run()).toHaveLength(3);
    big.external_data = [entry('location', '../weights.bin')];
    await writeFile(join(folder, '..', 'weights.bin'), bytes);
    await expect(setup((await saved(model)).file)).rejects.toThrow("outside the model's folder");
  });

  it('drops a ZipMap and reads the probabilities before it', async () => {
    const { builder, logits, finish } = classifier();
    const scores = builder.softmax(logits, 1);
    const model = finish({ y: [scores, 'float32', [1, CLASSES]] });
    const donor = net();
    donor.builder.add('ZipMap', ['y'], { classlabels_int64s: [0, 1, 2, 3, 4, 5, 6] }, ['map']);
    donor.builder.append();
    model.graph.node.push(...donor.model.graph.node.map((node) => ({ ...node, domain: 'ai.onnx.ml' })));
    model.opset_import.push({ ...OperatorSetId.empty(), domain: 'ai.onnx.ml', version: 1n });
    model.graph.output = [{ ...ValueInfo.empty(), name: 'map' }];
    const { notes, run } = await setup(model);
    expect(notes).toContain('ZipMap');
    expect((await run())[0]?.scores).toHaveLength(CLASSES);
  });

  it('refuses operators that onnxruntime lacks by their names, and models that are too old', async () => {
    const { builder, logits, finish } = classifier();
    const strange = builder.add('Strange', [logits]);
    const model = finish({ y: [builder.softmax(strange, 1), 'float32', [1, CLASSES]] });
    const node = model.graph.node.find(({ op_type }) => op_type === 'Strange');
    if (node !== undefined) node.domain = 'my.lab';
    await expect(setup(model)).rejects.toThrow('my.lab::Strange');
    const old = classifier(6);
    await expect(setup(old.finish({ y: [old.logits, 'float32', [1, CLASSES]] }))).rejects.toThrow(
      'operator set 6',
    );
  });

  it('never writes over a version, and leaves nothing behind when it refuses', async () => {
    const { logits, finish } = classifier();
    const { given } = await setup(finish({ y: [logits, 'float32', [1, CLASSES]] }));
    await expect(importModel(given)).rejects.toMatchObject({ flag: '--version' });
    expect(await readdir(join(given.out, 'tiny'))).toEqual(['1']);
  });

  it('refuses labels that are not as many as the classes, and takes them from a file', async () => {
    const { logits, finish } = classifier();
    const model = finish({ y: [logits, 'float32', [1, CLASSES]] });
    const { folder } = await saved(model);
    const labels = join(folder, 'labels.txt');
    await writeFile(labels, 'a\nb\nc\n');
    await expect(setup(model, { labels })).rejects.toThrow('3 labels, but the model has 7 classes');
    await writeFile(labels, 'a\nb\nc\nd\ne\nf\ng\n');
    expect((await setup(model, { labels })).manifest.labels).toHaveLength(7);
  });

  it('crops as the training did, and proves on the picture so cropped', async () => {
    const { logits, finish } = classifier();
    const model = finish({ y: [logits, 'float32', [1, CLASSES]] });
    const [picture] = builtInPictures({ height: 100, width: 140 });
    const { folder } = await saved(model);
    const golden = join(folder, 'golden.png');
    await writeFile(golden, await pngOf(picture ?? { height: 0, width: 0, pixels: new Uint8Array() }));
    const { manifest, notes, folder: packaged, run } = await setup(model, { crop: 0.875, golden: [golden] });
    expect(manifest.resize).toMatchObject({ mode: 'cover', crop_fraction: 0.875 });
    expect(notes).toContain('resize: to 73×73 or more, of which the middle 64×64 is shown');
    // 100 high becomes 73, 140 wide 102; of these the middle 64.
    const whole = await sharp(golden)
      .resize({ width: 102, height: 73, fit: 'fill', kernel: 'linear' })
      .toBuffer();
    const expected = await sharp(whole).extract({ left: 19, top: 4, width: 64, height: 64 }).raw().toBuffer();
    const stored = await readPicture(join(packaged, 'golden-input.png'));
    expect(Buffer.compare(Buffer.from(stored.pixels), expected)).toBe(0);
    expect((await run([stored]))[0]?.class_ids).toEqual(manifest.golden?.class_ids);
  });

  it('refuses a crop where the whole picture is shown', async () => {
    const { logits, finish } = classifier();
    const model = finish({ y: [logits, 'float32', [1, CLASSES]] });
    await expect(setup(model, { crop: 0.875, resize: 'letterbox' })).rejects.toMatchObject({
      flag: '--crop',
      message: expect.stringContaining('Only --resize cover crops'),
    });
    for (const task of ['object-detection', 'super-resolution'] as const) {
      await expect(setup(model, { crop: 0.875, task })).rejects.toMatchObject({ flag: '--crop' });
    }
  });

  it('reads the range and channel order that Windows ML models carry', async () => {
    const { model, logits, finish } = classifier();
    model.metadata_props = [
      metadata('Image.BitmapPixelFormat', 'Bgr8'),
      metadata('Image.NominalPixelRange', 'NominalRange_0_255'),
    ];
    const { notes } = await setup(finish({ y: [logits, 'float32', [1, CLASSES]] }), { scale: undefined });
    expect(notes).toContain('scale: 0-255, from the metadata');
    expect(notes).toContain('channel order: bgr, from the metadata');
  });
});

describe('inspecting', () => {
  it('shows a person inputs, sizes, operators and what is refused', async () => {
    const { logits, finish } = classifier();
    const { file } = await saved(finish({ y: [logits, 'float32', ['None', CLASSES]] }));
    const inspection = await inspectFile(file);
    expect(inspection).toMatchObject({
      opset: 17,
      parameters: 1344,
      inputs: [{ name: 'x', layout: 'NCHW' }],
    });
    const text = inspectionText(inspection);
    expect(text).toContain('x  float32 [1, 3, 64, 64]  NCHW');
    expect(text).toContain('y  float32 [None, 7]');
  });

  it('refuses what is no model with a sentence', async () => {
    const { folder } = await saved(emptyModel());
    const text = join(folder, 'text.onnx');
    await writeFile(text, 'This is no model at all, but a text.');
    await expect(inspectFile(text)).rejects.toThrow(/not an ONNX model|no ONNX graph/);
    await expect(inspectFile(join(folder, 'missing.onnx'))).rejects.toThrow('cannot be read');
    expect((await readFile(text)).length).toBeGreaterThan(0);
  });
});
