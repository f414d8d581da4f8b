/** The main job from end to end: a picture in, the right pictures out. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { names } from '../../local/settings.ts';
import { bicubic, decode, enlargedWhole, farthest, noise, picture, plane, png } from './pictures.ts';
import { readJob, setup } from './setup.ts';

const { s3Url, ports, url, send, enlarge, ended, submit, download } = setup(4100);

describe('a picture sent inline', () => {
  it.each([2, 4, 8])('comes back %i times larger in one request that waits', async (factor) => {
    const image = await png(noise(50, 40));
    const fields = { image_base64: image.toString('base64'), upscale_factor: factor };
    const answer = await send('POST', '/v1/jobs', fields, { prefer: 'wait=25' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('preference-applied')).toBe('wait=25');
    const { id, status, output } = readJob(answer.body);
    expect({ status, output }).toMatchObject({
      status: 'succeeded',
      output: {
        upscale_factor: factor,
        width: 50 * factor,
        height: 40 * factor,
        input: { width: 50, height: 40, format: 'png', pages: 1 },
        sr_image_uri: `s3://${names.results}/results/${id}/1/sr_image.png`,
        original_image_uri: `s3://${names.results}/results/${id}/1/original_image.png`,
      },
    });
    for (const link of [output?.sr_image_url, output?.original_image_url]) {
      const { width, height, format } = await sharp(await download(link)).metadata();
      expect([width, height, format]).toEqual([50 * factor, 40 * factor, 'png']);
    }
  });

  it('can be fetched again by a link of its job, and is named in the list', async () => {
    const image = await png(noise(12, 9));
    const { id, input } = await enlarge(image, { image_name: 'boat.png' });
    expect(input).toMatchObject({ kind: 'stored', name: 'boat.png' });
    expect(await download(input.url)).toEqual(image);
    const { body } = await send('GET', '/v1/jobs?limit=1');
    expect(body).toMatchObject({ jobs: [{ id, input: { kind: 'stored', name: 'boat.png' } }] });
  });

  it.each([
    ['png', 'png'],
    ['jpeg', 'jpg'],
    ['webp', 'webp'],
  ])('comes back as %s where that was asked for, under the name of its file', async (format, extension) => {
    const fields = { output_format: format, image_name: 'Hafen Überblick.jpeg', upscale_factor: '2' };
    const { output } = await enlarge(await png(noise(33, 21)), fields);
    const answer = await fetch(output?.sr_image_url ?? '');
    expect(answer.headers.get('content-type')).toBe(`image/${format}`);
    expect(answer.headers.get('content-disposition')).toContain(
      `filename*=UTF-8''Hafen%20%C3%9Cberblick-enlarged.${extension}`,
    );
    const found = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
    expect(found).toMatchObject({ format, width: 66, height: 42 });
  });

  it('may be a data: URL in URL-safe base64 with line breaks', async () => {
    const text = (await png(noise(9, 9))).toString('base64url').replaceAll(/.{60}/g, '$&\r\n');
    const { id } = await submit({ image_base64: `data:image/png;base64,${text}` });
    expect(await ended(id)).toMatchObject({ status: 'succeeded' });
  });
});

describe('the enlarged picture', () => {
  const equalsOneRun = async (width: number, height: number, factor: number, seed = 1) => {
    const raw = noise(width, height, 3, seed);
    const { status, output } = await enlarge(await png(raw), { upscale_factor: factor });
    expect(status).toBe('succeeded');
    const result = await decode(await download(output?.sr_image_url));
    const whole = await enlargedWhole(raw, factor);
    // Buffers of megabytes: a diff of them would say nothing.
    expect(result.data.equals(whole), `${width}×${height} by ${factor} differs`).toBe(true);
  };

  // Tiles are 256 wide with a margin of 10, for x8 128 with 13: 492 leaves no pixel to spare, and 500 and 240 would
  // take a tile less with a smaller margin.
  it.each([
    [256, 256, 2],
    [257, 255, 2],
    [1, 1, 4],
    [300, 1, 4],
    [500, 257, 2],
    [256, 256, 4],
    [257, 492, 4],
    [128, 128, 8],
    [129, 240, 8],
  ])('of %i×%i by %i equals one run over the whole picture, bit for bit', equalsOneRun);

  it('equals one run over the whole picture for any size and factor', async () => {
    const side = fc.integer({ min: 1, max: 500 });
    const factor = fc.constantFrom(2, 2, 4);
    const seed = fc.integer({ min: 0, max: 255 });
    await fc.assert(fc.asyncProperty(side, side, factor, seed, equalsOneRun), {
      numRuns: 8,
      endOnFailure: true,
    });
  });

  it('keeps the transparency of its original', async () => {
    const raw = noise(40, 30, 4, 3);
    const { output } = await enlarge(await png(raw), { upscale_factor: 2 });
    const result = await decode(await download(output?.sr_image_url));
    expect(result.channels).toBe(4);
    expect(farthest(plane(result, 3).data, bicubic(plane(raw, 3), 2).data)).toBeLessThanOrEqual(1);
    const color = { ...raw, data: await picture(raw).removeAlpha().raw().toBuffer(), channels: 3 } as const;
    const shown = await sharp(result.data, { raw: result }).removeAlpha().raw().toBuffer();
    expect(shown.equals(await enlargedWhole(color, 2))).toBe(true);
  });

  it('of a turned photo stands upright', async () => {
    const raw = noise(24, 16, 3, 4);
    const turned = await picture(raw).withMetadata({ orientation: 6 }).png().toBuffer();
    const { output } = await enlarge(turned, { upscale_factor: 2 });
    const upright = {
      ...(await decode(await picture(raw).rotate(90).png().toBuffer())),
      channels: 3,
    } as const;
    const result = await decode(await download(output?.sr_image_url));
    expect([result.width, result.height]).toEqual([32, 48]);
    expect(result.data.equals(await enlargedWhole(upright, 2))).toBe(true);
  });
});

describe('the picture for comparison', () => {
  it.each([2, 4, 8])('is the centre-aligned bicubic enlargement by %i', async (factor) => {
    const raw = noise(31, 17, 3, 5);
    const { output } = await enlarge(await png(raw), { upscale_factor: factor });
    const result = await decode(await download(output?.original_image_url));
    expect(farthest(result.data, bicubic(raw, factor).data)).toBeLessThanOrEqual(1);
  });
});

describe('a picture named by a URL', () => {
  it('is fetched from a link to the S3 of this machine', async () => {
    const first = await enlarge(await png(noise(20, 20)), { upscale_factor: 2 });
    const { id } = await submit({ image_url: first.output?.sr_image_url, upscale_factor: 2 });
    expect(await ended(id)).toMatchObject({ status: 'succeeded', output: { width: 80, height: 80 } });
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1/',
    'http://localhost/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://a.localhost./',
    `http://127.0.0.1:${ports.dynamodb}/`,
    `http://localhost:${ports.s3}/${names.uploads}`,
    `http://0177.0.0.1:${ports.sqs}/`,
    `${url}/v1/health`,
    // The origin is allowed as it is written: the same place by another name is not.
    s3Url.replace('127.0.0.1', '127.0.0.2'),
  ])('is not fetched from %s', async (image_url) => {
    const { id } = await submit({ image_url });
    expect(await ended(id)).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'url_forbidden' } });
  });

  it('is told by the status of its server, and never by what that server says', async () => {
    const { id } = await submit({ image_url: `${s3Url}/${names.uploads}/secret` });
    const { error } = await ended(id);
    expect(error?.code).toBe('url_status');
    expect(error?.message).not.toMatch(/AccessDenied|127\.0\.0\.1/);
  });
});
