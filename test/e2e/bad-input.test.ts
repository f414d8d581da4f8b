/**
 * Broken, hostile and unusual pictures, each between two good ones: a stable code or the right picture, and never the
 * neighbours' problem. The worker must be the same process afterwards.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { claimingPng } from '../torture/broken.ts';
import { noise, picture, png } from './pictures.ts';
import { setup } from './setup.ts';

const { send, ended, submit, download, workerPid } = setup(4400);

const TESTDATA = path.resolve(import.meta.dirname, '../../../shared/testdata');

/** What became of a picture: the code of its error, or the size it was seen in. */
async function outcome(image: Buffer, fields: Record<string, unknown> = {}): Promise<string> {
  const request = { image_base64: image.toString('base64'), upscale_factor: 2, ...fields };
  const answer = await send('POST', '/v1/jobs', request);
  const refused = answer.body as { code?: string; id?: string };
  if (answer.status !== 202) return refused.code ?? String(answer.status);
  const { status, error, output, attempt } = await ended(refused.id ?? '');
  if (status === 'failed') {
    expect(attempt, 'a bad input is not tried again').toBe(1);
    return error?.code ?? '';
  }
  const { width, height } = await sharp(await download(output?.sr_image_url)).metadata();
  expect([width, height]).toEqual([output?.width, output?.height]);
  return `${width / 2}×${height / 2}`;
}

/** Runs a picture beside good ones, which must not notice. */
async function amongNeighbours(image: Buffer, fields?: Record<string, unknown>): Promise<string> {
  const pid = workerPid();
  const good = { image_base64: (await png(noise(12, 12))).toString('base64'), upscale_factor: 2 };
  const before = await submit(good);
  const result = outcome(image, fields);
  const after = await submit(good);
  for (const { id } of [before, after])
    expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  const found = await result;
  expect(workerPid(), 'the worker lives on').toBe(pid);
  return found;
}

const jpeg = () => picture(noise(64, 64)).jpeg().toBuffer();
const half = (file: Buffer) => file.subarray(0, file.length / 2);

/** Own-made files, so that these tests need nothing from elsewhere. */
const made: Record<string, readonly [file: () => Promise<Buffer> | Buffer, expected: string | RegExp]> = {
  'half a PNG': [async () => half(await png(noise(64, 64))), 'image_corrupt'],
  'half a JPEG': [async () => half(await jpeg()), 'image_corrupt'],
  'half a WebP': [async () => half(await picture(noise(64, 64)).webp().toBuffer()), 'image_corrupt'],
  'half a GIF': [async () => half(await picture(noise(64, 64)).gif().toBuffer()), 'image_corrupt'],
  'half a TIFF': [async () => half(await picture(noise(64, 64)).tiff().toBuffer()), 'image_corrupt'],
  'half an AVIF': [async () => half(await picture(noise(64, 64)).avif().toBuffer()), 'image_corrupt'],
  'a PNG signature alone': [() => Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'image_corrupt'],
  'noise behind a JPEG signature': [
    () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), noise(40, 40).data]),
    'image_corrupt',
  ],
  'a PNG of no pixels': [() => claimingPng(0, 0, Buffer.alloc(0)), 'image_corrupt'],
  'a PNG whose rows are missing': [() => claimingPng(500, 500, Buffer.alloc(100)), 'image_corrupt'],
  'a PNG that claims 4 gigapixels': [
    () => claimingPng(65_536, 65_536, Buffer.alloc(99)),
    'image_too_many_pixels',
  ],
  'a PNG that claims a negative size': [() => claimingPng(2 ** 32 - 1, 1, Buffer.alloc(9)), /^image_/],
  'a PNG bomb': [() => claimingPng(20_000, 20_000, Buffer.alloc(4_000_000)), 'image_too_many_pixels'],
  'a PNG whose pixels inflate far beyond its size': [
    () => claimingPng(8, 8, Buffer.alloc(200_000_000)),
    /^(image_corrupt|8×8)$/,
  ],
  'a picture too wide for its format': [() => png({ ...noise(9000, 1, 1) }), '9000×1'],
  text: [() => Buffer.from('hello, this is no picture at all'), 'image_not_recognized'],
  zeros: [() => Buffer.alloc(1000), 'image_not_recognized'],
  'an SVG': [() => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image_format_unsupported'],
  'a PDF': [() => Buffer.from('%PDF-1.7\n%%EOF'), 'image_format_unsupported'],
  'one pixel': [() => png(noise(1, 1)), '1×1'],
  'a line': [() => png(noise(700, 1)), '700×1'],
  grey: [() => png(noise(20, 10, 1)), '20×10'],
  CMYK: [() => picture(noise(20, 10)).toColourspace('cmyk').jpeg().toBuffer(), '20×10'],
  '16 bits': [() => picture(noise(20, 10)).toColourspace('rgb16').png().toBuffer(), '20×10'],
  'a palette': [() => picture(noise(20, 10)).png({ palette: true }).toBuffer(), '20×10'],
  'a tiled TIFF': [() => picture(noise(70, 50)).tiff({ tile: true }).toBuffer(), '70×50'],
};

describe('a file that was made to be difficult', () => {
  it.each(Object.entries(made))(
    '%s has its own outcome and no other',
    { timeout: 120_000 },
    async (_, [file, expected]) => {
      const found = await amongNeighbours(await file());
      if (typeof expected === 'string') expect(found).toBe(expected);
      else expect(found).toMatch(expected);
    },
  );

  it('is refused by the limit of its output format, at once where its header is read then', async () => {
    const wide = noise(9000, 1, 1);
    const asked = [{ output_format: 'webp' }, { output_format: 'jpeg', upscale_factor: 8 }];
    const inline = (await png(wide)).toString('base64');
    for (const fields of asked) {
      const refused = await send('POST', '/v1/jobs', { image_base64: inline, ...fields });
      expect(refused).toMatchObject({ status: 422, body: { code: 'output_format_limit' } });
      expect(await amongNeighbours(await picture(wide).tiff().toBuffer(), fields)).toBe(
        'output_format_limit',
      );
    }
  });

  it('of many frames gives its first', async () => {
    const frames = [noise(10, 8, 3, 1), noise(10, 8, 3, 2)].map(({ data }) => data);
    const film = { data: Buffer.concat(frames), width: 10, height: 16, channels: 3 } as const;
    const webp = await sharp(film.data, { raw: { ...film, pageHeight: 8 } })
      .webp({ lossless: true })
      .toBuffer();
    const { id } = await submit({ image_base64: webp.toString('base64'), upscale_factor: 2 });
    expect(await ended(id)).toMatchObject({ output: { width: 20, height: 16, input: { pages: 2 } } });
  });
});

const IMAGES = /^(image|output)_/;
const expectations: Record<string, string> = {
  '16383x16383.png': 'image_too_many_pixels',
  '65536-uint32-limit.png': 'image_too_many_pixels',
  'bomb-30000x30000-1bit.png': 'image_too_many_pixels',
  'giant-image.jpg': 'image_too_many_pixels',
  'gif-65535-canvas.gif': 'image_too_many_pixels',
  'no-iend.png': '64×64',
  'html.jpg': 'image_not_recognized',
  'text.png': 'image_not_recognized',
  'pdf-named.png': 'image_format_unsupported',
  'xxe.svg': 'image_format_unsupported',
  'image.heic': 'image_format_unsupported',
  'relax.jp2': 'image_format_unsupported',
  'struct-image-04-t.svg': 'image_format_unsupported',
  'vfile.v': 'image_format_unsupported',
  'Landscape_5.jpg': '600×450',
  'Portrait_6.jpg': '450×600',
  'orientation-6.png': '100×200',
};
/** Minutes of tiles on a small machine; what they show is shown by smaller ones too. */
const LONG = new Set(['G31D_MULTI.TIF', 'pitm.avif', 'big-height.webp']);

describe.skipIf(!existsSync(TESTDATA)).each(['images-bad', 'images-odd'])('a file of %s', (folder) => {
  const directory = path.join(TESTDATA, folder);
  const files = existsSync(directory) ? readdirSync(directory).filter((file) => !LONG.has(file)) : [];

  it.each(files)('%s has its own outcome and no other', { timeout: 180_000 }, async (file) => {
    const found = await amongNeighbours(readFileSync(path.join(directory, file)), { image_name: file });
    if (expectations[file] !== undefined) expect(found).toBe(expectations[file]);
    else if (folder === 'images-bad') expect(found).toMatch(IMAGES);
    else expect(found).toMatch(/^\d+×\d+$/);
  });
});
