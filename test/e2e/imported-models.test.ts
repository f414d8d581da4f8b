/** Exports that nobody here made, from the file to the answer: import, publish, ask, and ask again. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { testPort } from '../port.ts';
import { setup } from './setup.ts';

const PORT = testPort(5000);
const ROOT = path.resolve(import.meta.dirname, '../..');
const TESTDATA = path.resolve(ROOT, '../shared/testdata');
const run = promisify(execFile);

describe.skipIf(!existsSync(path.join(TESTDATA, 'models')))('imported models', () => {
  const { send } = setup(5000);
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'outboard-imported-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function outboard(...args: string[]): Promise<void> {
    const { OUTBOARD_MODELS_BUCKET: _, AWS_ENDPOINT_URL_S3: __, ...env } = process.env;
    await run(process.execPath, [path.join(ROOT, 'cli/outboard.ts'), 'model', ...args], { env });
  }

  async function importAndPublish(file: string, name: string, ...flags: string[]): Promise<void> {
    await outboard('import', path.join(TESTDATA, 'models', file), '--name', name, '--out', folder, ...flags);
    await outboard('publish', path.join(folder, name, '1'), '--port', String(PORT));
  }

  /** The finished job of one picture among objects/. */
  async function ask(model: string, picture: string | Buffer, fields = {}, headers = {}) {
    const bytes =
      typeof picture === 'string' ? await readFile(path.join(TESTDATA, 'objects', picture)) : picture;
    const body = { model, image_base64: bytes.toString('base64'), ...fields };
    const answer = await send('POST', '/v1/jobs', body, { prefer: 'wait=25', ...headers });
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    return answer.body as {
      cache?: string;
      output: {
        predictions: { label: string }[];
        detections: { label: string; score: number; box: Record<'x' | 'y' | 'width' | 'height', number> }[];
        width: number;
        height: number;
        annotated_image_url?: string;
      };
    };
  }

  it('read digits, and answer the same question from the store', async () => {
    await importAndPublish('mnist-8-zoo.onnx', 'digits', '--task', 'classification', '--scale', '0-255');
    for (const digit of ['0', '2', '4', '6', '8']) {
      const job = await ask('digits', `mnist-${digit}.png`, { top_k: 1 });
      expect(job).toMatchObject({ cache: 'miss', output: { predictions: [{ label: digit }] } });
    }
    expect(await ask('digits', 'mnist-8.png', { top_k: 1 })).toMatchObject({
      cache: 'hit',
      output: { predictions: [{ label: '8' }] },
    });
    expect(await ask('digits', 'mnist-8.png', { top_k: 1 }, { 'cache-control': 'no-cache' })).toMatchObject({
      cache: 'miss',
    });
    expect((await ask('digits', 'mnist-8.png', { top_k: 3 })).output.predictions).toHaveLength(3);
  });

  it('find objects, in pixels of the upright picture', async () => {
    const labels = path.join(folder, 'labels.txt');
    await writeFile(
      labels,
      Array.from({ length: 80 }, (_, id) => (id === 5 ? 'bus' : id === 16 ? 'dog' : `class ${id}`)).join(
        '\n',
      ),
    );
    const imagenet = ['--scale', '0-1', '--mean', '0.485,0.456,0.406', '--std', '0.229,0.224,0.225'];
    await importAndPublish(
      'yolox-nano-coco.onnx',
      'objects',
      '--task',
      'object-detection',
      ...imagenet,
      '--labels',
      labels,
    );
    const { output } = await ask('objects', 'bus.jpg', { annotated: true });
    expect(output.detections[0]).toMatchObject({ label: 'bus' });
    expect(output.annotated_image_url).toContain('annotated_image.png');

    // Turned by EXIF, the same picture has the same boxes.
    const upright = await ask('objects', 'dog.jpg', { score_threshold: 0.5 });
    const lying = await sharp(path.join(TESTDATA, 'objects/dog.jpg'))
      .rotate(270)
      .png()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const turned = await ask('objects', lying, { score_threshold: 0.5 });
    const [expected] = upright.output.detections;
    const [found] = turned.output.detections;
    expect(found?.label).toBe('dog');
    for (const side of ['x', 'y', 'width', 'height'] as const) {
      expect(Math.abs((found?.box[side] ?? 0) - (expected?.box[side] ?? 0))).toBeLessThan(4);
    }
  });

  it('enlarge by three on luminance, tiles and small pictures alike', async () => {
    await importAndPublish('supres-subpixel-x3.onnx', 'triple', '--task', 'super-resolution');
    for (const [width, height] of [
      [40, 30],
      [300, 260],
    ] as const) {
      const picture = await sharp(path.join(TESTDATA, 'objects/kitten.jpg'))
        .resize(width, height, { fit: 'fill' })
        .png()
        .toBuffer();
      expect((await ask('triple', picture)).output).toMatchObject({ width: width * 3, height: height * 3 });
    }
  });
});
