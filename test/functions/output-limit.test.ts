/** A result that its format cannot hold is refused at submit, where the header of an inline picture tells its size. */
import sharp, { type FormatEnum } from 'sharp';
import { expect, it } from 'vitest';
import { createJob } from '../../functions/create-job.ts';
import { checkOutputLimit } from '../../functions/jobs/output-limit.ts';
import { inputPrefix } from '../../shared/aws/input-keys.ts';
import { claimingPng } from '../torture/broken.ts';
import { useFunctions } from './setup.ts';

const setup = useFunctions();
const webp = { upscale_factor: 4, output_format: 'webp' };
const wide = (format: keyof FormatEnum | 'avif', width = 5_000) =>
  sharp({ create: { width, height: 4, channels: 3, background: '#567' } })
    .toFormat(format)
    .toBuffer();

it('answers 422 with the parameter at fault, and stores nothing', async () => {
  const bundle = await setup();
  const { post, settings, tenantJobs, held, uploads } = bundle;
  const put: string[] = [];
  const watched = {
    bucket: uploads.bucket,
    head: uploads.head.bind(uploads),
    put: async (key: string) => void put.push(key),
  };
  const create = createJob({ ...bundle, uploads: watched }, settings);
  const image_base64 = (await wide('png')).toString('base64');
  await expect(create(post({ image_base64, ...webp }))).rejects.toMatchObject({
    code: 'output_format_limit',
    httpStatus: 422,
    field: 'output_format',
    message: expect.stringMatching(/20000×16; WEBP ends at 16383.*Ask for output_format png/),
  });
  expect([put, await tenantJobs(), await held()]).toEqual([[], [], 0]);
  const { id } = (await create(post({ image_base64, ...webp, upscale_factor: 2 }))).body as { id: string };
  expect(put).toEqual([expect.stringContaining(inputPrefix(id))]);
});

it.each(['jpeg', 'png', 'webp', 'gif'] as const)('reads the size of a %s', async (format) => {
  const bytes = await wide(format);
  const check = (parameters: object) => () =>
    checkOutputLimit(bytes, { task: 'super-resolution' }, { quality: 90, ...parameters });
  expect(check(webp)).toThrow(expect.objectContaining({ code: 'output_format_limit' }));
  expect(check({ ...webp, upscale_factor: 2 })).not.toThrow();
  expect(check({ ...webp, output_format: 'png' })).not.toThrow();
});

it.each(['avif', 'tiff'] as const)(
  'leaves a %s to the worker, whose reader may see another picture in it',
  async (format) => {
    const bytes = await wide(format);
    expect(() => checkOutputLimit(bytes, { task: 'super-resolution' }, webp)).not.toThrow();
  },
);

it('leaves to the worker what it cannot read, and what workers refuse for its size', () => {
  for (const bytes of [
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    claimingPng(60_000, 60_000, Buffer.alloc(9)),
  ]) {
    expect(() => checkOutputLimit(bytes, { task: 'super-resolution' }, webp)).not.toThrow();
  }
});

it('judges the picture with boxes where one was asked for, at its own size', async () => {
  const check = (bytes: Buffer, annotated: boolean) => () =>
    checkOutputLimit(bytes, { task: 'object-detection' }, { annotated, output_format: 'webp' });
  const [tooWide, fits] = [await wide('png', 17_000), await wide('png', 16_383)];
  expect(check(tooWide, true)).toThrow(expect.objectContaining({ code: 'output_format_limit' }));
  expect(check(tooWide, false)).not.toThrow();
  expect(check(fits, true)).not.toThrow();
  expect(() => checkOutputLimit(tooWide, { task: 'classification' }, { top_k: 5 })).not.toThrow();
});
