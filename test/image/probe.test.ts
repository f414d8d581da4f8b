import { writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { scratchPath } from '../../gpu-worker/image/pixels.ts';
import { checkEnlargement, type ImageSource, probeImage } from '../../gpu-worker/image/probe.ts';
import { asSharp, scatteredPixels, setupRooms } from './pictures.ts';

const limits = { maxInputPixels: 50_000_000 };
const codeOf = (source: ImageSource) => probeImage(source, limits).then(String, (error) => error.code);

/** A PNG that is all header: it claims a size and has no pixels. */
function emptyPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(25);
  header.writeUInt32BE(13, 0);
  header.write('IHDR', 4, 'latin1');
  header.writeUInt32BE(width, 8);
  header.writeUInt32BE(height, 12);
  header.set([8, 2, 0, 0, 0], 16);
  header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), header]);
}

function emptyGif(width: number, height: number): Buffer {
  const screen = Buffer.from('GIF89a\0\0\0\0\0\0\0', 'latin1');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  const frame = Buffer.from('2c00000000010001008000000000ffffff02024401003b', 'hex');
  return Buffer.concat([screen, frame]);
}

describe('probeImage', () => {
  it('says what a picture is, from bytes and from a file alike', async () => {
    const { memory } = await setupRooms();
    const png = await asSharp(scatteredPixels(7, 5, 4))
      .png()
      .toBuffer();
    const path = scratchPath(memory, 'wrong.jpg');
    await writeFile(path, png);
    const info = {
      format: 'png',
      width: 7,
      height: 5,
      hasAlpha: true,
      pages: 1,
      orientation: 1,
      space: 'srgb',
      isProgressive: false,
      isSubsampled: false,
      sampleBytes: 1,
    };
    expect(await probeImage(png, limits)).toEqual(info);
    expect(await probeImage({ path }, limits)).toEqual(info);
  });

  it.each([
    [1, 7, 5],
    [3, 7, 5],
    [6, 5, 7],
    [8, 5, 7],
  ])('gives the upright size for EXIF orientation %i', async (orientation, width, height) => {
    const jpeg = await asSharp(scatteredPixels(7, 5, 3))
      .withMetadata({ orientation })
      .jpeg()
      .toBuffer();
    expect(await probeImage(jpeg, limits)).toMatchObject({ width, height, orientation });
  });

  it('counts the frames of an animation and gives the size of one', async () => {
    const frames = asSharp({ ...scatteredPixels(8, 18, 3) });
    const raw = { width: 8, height: 18, channels: 3, pageHeight: 6 } as const;
    const gif = await frames
      .raw()
      .toBuffer()
      .then((data) => import('../../gpu-worker/image/sharp.ts').then(({ sharp }) => sharp(data, { raw })))
      .then((image) => image.gif().toBuffer());
    expect(await probeImage(gif, limits)).toMatchObject({ format: 'gif', width: 8, height: 6, pages: 3 });
  });

  it.each([
    ['a PNG of 2³¹ pixels a side', emptyPng(2 ** 31 - 1, 2 ** 31 - 1)],
    ['a PNG whose area overflows 32 bits', emptyPng(65_536, 65_536)],
    ['a GIF with a canvas of 65,535²', emptyGif(65_535, 65_535)],
  ])('refuses %s without decoding it', async (_name, bomb) => {
    const before = process.memoryUsage().rss;
    expect(await codeOf(bomb)).toBe('image_too_many_pixels');
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  });

  it('says how many pixels there are and what the limit is', async () => {
    const png = await asSharp(scatteredPixels(20, 10, 3))
      .png()
      .toBuffer();
    await expect(probeImage(png, { maxInputPixels: 199 })).rejects.toThrow(/20×10 .* 199/);
    expect(await probeImage(png, { maxInputPixels: 200 })).toMatchObject({ width: 20 });
  });

  it.each([
    ['no bytes at all', '', 'image_not_recognized'],
    ['a page of HTML', '<!doctype html><title>404</title>', 'image_not_recognized'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'image_format_unsupported'],
    ['a libvips file', '\xb6\xa6\xf2\x08\0\0\0\0', 'image_format_unsupported'],
    ['the beginning of a JPEG', '\xff\xd8\xff\xe0\0\x10JFIF', 'image_corrupt'],
    ['the beginning of a PNG', '\x89PNG\r\n\x1a\n', 'image_corrupt'],
    ['the beginning of a WebP', 'RIFF\x10\0\0\0WEBPVP8 ', 'image_corrupt'],
    ['the beginning of a TIFF', 'II*\0\x08\0\0\0', 'image_corrupt'],
  ])('answers %s with its code', async (_name, text, code) => {
    expect(await codeOf(Buffer.from(text, 'latin1'))).toBe(code);
  });

  it('refuses a PNG of no size as damaged', async () => {
    expect(await codeOf(emptyPng(0, 0))).toBe('image_corrupt');
  });

  it('lets a missing file be the worker’s trouble, not the client’s', async () => {
    await expect(probeImage({ path: '/nowhere/at/all.png' }, limits)).rejects.toThrow(/ENOENT/);
  });
});

describe('checkEnlargement', () => {
  const check = (side: number, factor: number, format: 'png' | 'jpeg' | 'webp', maxOutputPixels = 1e9) => {
    return () => checkEnlargement({ width: side, height: 10 }, factor, { maxOutputPixels }, format);
  };
  const failure = (code: string) => expect.objectContaining({ code });

  it('holds the limit of pixels', () => {
    expect(check(100, 4, 'png', 16_000)).not.toThrow();
    expect(check(100, 4, 'png', 15_999)).toThrow(failure('output_too_many_pixels'));
  });

  it('holds what each format can hold', () => {
    expect(check(4095, 4, 'webp')).not.toThrow();
    expect(check(4096, 4, 'webp')).toThrow(failure('output_format_limit'));
    expect(check(8191, 8, 'jpeg')).not.toThrow();
    expect(check(8192, 8, 'jpeg')).toThrow(failure('output_format_limit'));
    expect(check(100_000, 8, 'png')).not.toThrow();
  });

  it('keeps WebP below the area that its mode table can describe', () => {
    const area = (height: number) => () =>
      checkEnlargement({ width: 2500, height }, 4, { maxOutputPixels: 1e9 }, 'webp');
    expect(area(2500)).not.toThrow();
    expect(area(2501)).toThrow(failure('output_format_limit'));
  });
});
