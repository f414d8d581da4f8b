/** Exports that nobody here wrote, each imported by one command and asked about pictures. Skipped where they are not at hand. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runModelCommand } from '../../model-tool/cli.ts';
import { classify, detect, enlarge } from '../../model-tool/golden/packaged.ts';
import { readPicture } from '../../model-tool/golden/picture-file.ts';
import { builtInPictures } from '../../model-tool/golden/pictures.ts';
import { readModel, writeModel } from '../../model-tool/onnx/model-file.ts';
import type { Picture } from '../../model-tool/reference/preprocess.ts';
import { Runtime } from '../../model-tool/runtime/runtime.ts';
import { inputsOf, outputsOf } from '../../model-tool/signature.ts';
import { type ModelManifest, modelManifest } from '../../shared/model.ts';
import { readSamples } from './cifar-records.ts';

const data = join(import.meta.dirname, '../../../shared/testdata');
const models = join(data, 'models');
const picture = (name: string) => join(data, 'objects', name);

let runtime: Runtime;
let out: string;
beforeAll(async () => {
  runtime = new Runtime();
  out = await mkdtemp(join(tmpdir(), 'outboard-models-'));
});
afterAll(() => runtime[Symbol.asyncDispose]());

/** The exact commands, after `outboard model import`. */
const commands = {
  anime: 'realesr-animevideov3-x4.onnx --name anime --task super-resolution',
  espcn: 'supres-subpixel-x3.onnx --name espcn --task super-resolution',
  squeezenet:
    'squeezenet-fp16.onnx --name squeezenet --task classification --scale 0-255 --channel-order bgr --mean 104,117,123',
  cifar: 'cifar10-imageclassifier.onnx --name cifar --task classification --scale -1-1',
  mnist: 'mnist-8-zoo.onnx --name mnist --task classification --scale 0-255',
  faces:
    'ultraface-rfb-320.onnx --name faces --task object-detection --scale 0-255 --mean 127 --std 128 --box-format xyxy',
  yolox:
    'yolox-nano-coco.onnx --name yolox --task object-detection --scale 0-1 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225',
} as const;

async function imported(
  name: keyof typeof commands,
): Promise<{ graph: string; manifest: ModelManifest; said: string }> {
  const [file = '', ...flags] = commands[name].split(' ');
  const lines: string[] = [];
  const args = ['import', join(models, file), ...flags, '--out', out];
  const folder = join(out, name, '1');
  if (!existsSync(folder))
    expect(await runModelCommand(args, (line) => lines.push(line)), lines.join('\n')).toBe(0);
  const manifest = modelManifest.parse(JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')));
  return { graph: join(folder, 'model.onnx'), manifest, said: lines.join('\n') };
}

async function fitted(manifest: ModelManifest, path: string): Promise<Picture> {
  if (manifest.task === 'super-resolution') return readPicture(path);
  const { height, width } = manifest.graphs[0]?.input ?? {};
  if (typeof height !== 'number' || typeof width !== 'number') throw new Error('The size is not fixed.');
  return readPicture(path, { height, width }, manifest.resize);
}

describe.skipIf(!existsSync(models))('third-party exports', () => {
  it('run the same after they were read and written again', async () => {
    for (const file of await readdir(models)) {
      const path = join(models, file);
      const model = await readModel(path);
      const copy = join(out, file);
      await writeModel(copy, model);
      const original = await readFile(path);
      expect((await readFile(copy)).length, file).toBeGreaterThan(original.length * 0.9);
      const [input] = inputsOf(model.graph);
      // float16 and foreign operators cannot be fed as they are; their round trip shows in the imports below.
      if (input?.type !== 'float32') continue;
      const dims = (input.dims ?? []).map((size, axis) =>
        typeof size === 'number' ? size : axis === 0 ? 1 : 16,
      );
      const values = Float32Array.from(
        { length: dims.reduce((a, b) => a * b, 1) },
        (_, i) => (i % 255) / 255,
      );
      const feed = { [input.name]: { type: 'float32', dims, bytes: new Uint8Array(values.buffer) } };
      const names = outputsOf(model.graph).map(({ name }) => name);
      expect(await runtime.run(copy, feed, names), file).toEqual(await runtime.run(path, feed, names));
    }
  });

  it.each([
    ['anime', 4],
    ['espcn', 3],
  ] as const)('%s enlarges %d times, any batch and any size', async (name, factor) => {
    const { graph, manifest } = await imported(name);
    expect(manifest.graphs[0]?.input).toMatchObject({
      batch: 'dynamic',
      height: 'dynamic',
      width: 'dynamic',
    });
    const small = builtInPictures({ height: 37, width: 53 }).slice(0, 2);
    const large = await enlarge(runtime, graph, small);
    for (const [i, { height, width, pixels }] of large.entries()) {
      expect([height, width]).toEqual([37 * factor, 53 * factor]);
      const mean = (bytes: Uint8Array = new Uint8Array()) => bytes.reduce((a, b) => a + b, 0) / bytes.length;
      expect(Math.abs(mean(pixels) - mean(small[i]?.pixels))).toBeLessThan(3);
    }
  });

  it('SqueezeNet in float16 knows a kitten and a dog', async () => {
    const { graph, manifest } = await imported('squeezenet');
    const [kitten, dog] = await Promise.all(
      ['kitten.jpg', 'dog.jpg'].map((file) => fitted(manifest, picture(file))),
    );
    if (kitten === undefined || dog === undefined) throw new Error('The pictures are missing.');
    const [first, second] = await classify(runtime, graph, [kitten, dog]);
    expect(first?.class_ids[0]).toBe(282);
    // Labrador and Great Pyrenees: a white puppy.
    expect(second?.class_ids.slice(0, 4)).toEqual(expect.arrayContaining([208, 257]));
  });

  it('MNIST reads the digits, all in one batch', async () => {
    const { graph, manifest } = await imported('mnist');
    const digits = [0, 2, 4, 6, 8];
    const pictures = await Promise.all(
      digits.map((digit) => fitted(manifest, picture(`mnist-${digit}.png`))),
    );
    const answers = await classify(runtime, graph, pictures);
    expect(answers.map(({ class_ids: [best] }) => best)).toEqual(digits);
  });

  it('CIFAR-10 is right about two of three test pictures', async () => {
    const { graph, manifest } = await imported('cifar');
    const samples = await readSamples(join(data, 'cifar10-jpeg.records'), 120);
    const pictures = await Promise.all(samples.map(({ path }) => fitted(manifest, path)));
    const answers = await classify(runtime, graph, pictures);
    const right = answers.filter(({ class_ids: [best] }, i) => best === samples[i]?.classId).length;
    expect(right / samples.length).toBeGreaterThan(0.55);
  });

  it('UltraFace finds faces where they are', async () => {
    const { graph, manifest } = await imported('faces');
    expect(manifest).toMatchObject({ head: 'ssd', classes: 1 });
    const [faces = []] = await detect(runtime, graph, [await fitted(manifest, picture('face-1.jpg'))], {
      score: 0.7,
      iou: 0.3,
    });
    expect(faces.length).toBeGreaterThan(20);
    for (const [id, , x1 = 0, y1 = 0, x2 = 0, y2 = 0] of faces) {
      expect(id).toBe(0);
      expect(x2 - x1).toBeGreaterThan(2);
      expect(y2 - y1).toBeGreaterThan(2);
      expect(x1).toBeGreaterThan(-5);
      expect(y2).toBeLessThan(245);
    }
  });

  it.each([
    ['bus.jpg', 5, 0.9],
    ['dog.jpg', 16, 0.9],
    ['kitten.jpg', 15, 0.85],
  ])('YOLOX sees what is on %s', async (file, classId, score) => {
    const { graph, manifest } = await imported('yolox');
    const [seen = []] = await detect(runtime, graph, [await fitted(manifest, picture(file))], {
      score: 0.3,
      iou: 0.45,
    });
    expect(seen[0]?.[0]).toBe(classId);
    expect(seen[0]?.[1]).toBeGreaterThan(score);
  });
});
