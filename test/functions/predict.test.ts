/** Work predicted from what is known of a picture before anybody has decoded it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { predictWork } from '../../functions/jobs/predict.ts';
import { costKey } from '../../shared/cost.ts';

const enlarger = { name: 'enlarger', version: '1', task: 'super-resolution' } as const;
const classifier = { name: 'classifier', version: '1', task: 'classification' } as const;

it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
  'reads the size of an inline %s from its header',
  async (format) => {
    const picture = sharp({ create: { width: 400, height: 250, channels: 3, background: '#567' } });
    const bytes = await picture.toFormat(format).toBuffer();
    const predict = predictWork({ costs: async () => ({ [costKey(enlarger, { upscale_factor: 4 })]: 20 }) });
    expect(await predict(enlarger, { upscale_factor: 4 }, { bytes })).toBeCloseTo(0.1 * 20, 5);
  },
);

it('goes by the bytes of an upload, and by a guess where there is only a link', async () => {
  const predict = predictWork({ costs: async () => ({ [costKey(enlarger, { upscale_factor: 2 })]: 3 }) });
  expect(await predict(enlarger, { upscale_factor: 2 }, { size: 800_000 })).toBeCloseTo(6, 5);
  expect(await predict(enlarger, { upscale_factor: 2 }, {})).toBe(3);
});

it('does not ask how large a picture is where the model sees one size', async () => {
  const photo = await readFile(path.resolve(import.meta.dirname, '../fixtures/photo.jpg'));
  const predict = predictWork({ costs: async () => ({ [costKey(classifier, {})]: 0.02 }) });
  expect(await predict(classifier, {}, { bytes: photo })).toBe(0.02);
});

it('lets no header order machines for a picture that workers refuse', async () => {
  const png = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  png.writeUInt32BE(60_000, 16);
  png.writeUInt32BE(60_000, 20);
  const predict = predictWork({ costs: async () => ({ [costKey(enlarger, {})]: 1 }) });
  expect(await predict(enlarger, {}, { bytes: png })).toBe(100);
});

it('predicts roughly for a model nobody has measured, and without the table', async () => {
  const predict = predictWork({ costs: () => Promise.reject(new Error('away')) });
  expect(await predict(enlarger, {}, { bytes: Buffer.alloc(400_000) })).toBeCloseTo(1, 5);
});
