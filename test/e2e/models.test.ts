/** Models as their owner sees them: published by the command, switched under load, refused when they are broken. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { portsFrom } from '../../local/settings.ts';
import { makePackage } from '../models/packages.ts';
import { testPort } from '../port.ts';
import { setup } from './setup.ts';

const PORT = testPort(4800);
const ROOT = path.resolve(import.meta.dirname, '../..');
const { submit, ended, send } = setup(4800);
const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'outboard-packages-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `outboard model …` against this stack. */
async function outboard(...args: string[]): Promise<string> {
  const { OUTBOARD_MODELS_BUCKET: _, AWS_ENDPOINT_URL_S3: __, ...environment } = process.env;
  const command = [path.join(ROOT, 'cli/outboard.ts'), 'model', ...args, '--port', String(PORT)];
  return (await run(process.execPath, command, { env: environment })).stdout;
}

const publish = async (version: string, damage = {}): Promise<string> =>
  outboard('publish', await makePackage(folder, 'eyes', version, damage));

const picture = () => readFile(path.join(ROOT, 'test/fixtures/photo-small.png'), 'base64');

describe('models', () => {
  it('switch under load without one failed job; each job says which version it used', async () => {
    await publish('1');
    await publish('2');
    const image_base64 = await picture();
    const fields = { model: 'eyes', upscale_factor: 2, image_base64 };
    const first = await Promise.all(Array.from({ length: 6 }, () => submit(fields)));
    await outboard('promote', 'eyes@2');
    // Jobs keep coming while the worker finds, loads and proves the new version.
    const during: string[] = [];
    await vi.waitFor(
      async () => {
        const job = await ended((await submit(fields)).id);
        during.push(job.status);
        expect(job.model_version).toBe('eyes@2');
      },
      { timeout: 50_000, interval: 1 },
    );
    expect(during.every((status) => status === 'succeeded')).toBe(true);
    for (const { id } of first) expect(await ended(id)).toMatchObject({ status: 'succeeded' });
    expect(await outboard('list')).toMatch(/eyes@2 +super-resolution +eyes /);
  });

  it('that are broken change nothing for those who ask by name, and say so in the metrics', async () => {
    await publish('3', { graph: true });
    await outboard('promote', 'eyes@3');
    const metrics = `http://127.0.0.1:${portsFrom(PORT).metrics}/metrics`;
    await vi.waitFor(
      async () =>
        expect(await (await fetch(metrics)).text()).toContain('load_failures_total{model="eyes@3"} 1'),
      { timeout: 50_000, interval: 200 },
    );
    const job = await ended(
      (await submit({ model: 'eyes', upscale_factor: 2, image_base64: await picture() })).id,
    );
    expect(job).toMatchObject({ status: 'succeeded', model_version: 'eyes@2' });
    await outboard('rollback', 'eyes');
    expect(await outboard('list')).toMatch(/eyes@2 +super-resolution +eyes /);
  });

  it('are shown with the parameters that they, and not others, can take', async () => {
    const { body } = await send('GET', '/v1/models/eyes');
    expect(body).toMatchObject({ name: 'eyes', task: 'super-resolution', versions: ['1', '2', '3'] });
    expect(body).toHaveProperty('parameters.properties.upscale_factor.const', 2);
    const refused = await send('POST', '/v1/jobs', {
      model: 'eyes',
      upscale_factor: 4,
      image_base64: await picture(),
    });
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'unsupported_upscale_factor', field: 'upscale_factor' },
    });
  });

  it('come with the project for all three tasks, under the names of the tasks', async () => {
    const golden = (name: string) => readFile(path.join(ROOT, 'models', name, '1/golden.png'), 'base64');
    const ask = async (fields: Record<string, unknown>) =>
      (await send('POST', '/v1/jobs', fields, { prefer: 'wait=25' })).body;

    expect(
      await ask({ model: 'classification', top_k: 3, image_base64: await golden('image-classifier') }),
    ).toMatchObject({
      status: 'succeeded',
      model_version: 'image-classifier@1',
      output: { predictions: [{ label: expect.any(String) }, { score: expect.any(Number) }, {}] },
    });
    const page = await ask({ model: 'object-detection', image_base64: await golden('document-layout') });
    expect(page).toMatchObject({ status: 'succeeded', model_version: 'document-layout@1' });
    expect(page).toHaveProperty('output.detections.0.box.width');
    const enlarged = await ask({
      model: 'super-resolution-base',
      upscale_factor: 2,
      image_base64: await picture(),
    });
    expect(enlarged).toMatchObject({ status: 'succeeded', output: { upscale_factor: 2 } });
  });
});
