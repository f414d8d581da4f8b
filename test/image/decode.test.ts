import { describe, expect, it } from 'vitest';
import { decodeImage, type Raster } from '../../gpu-worker/image/decode.ts';
import type { Room } from '../../gpu-worker/image/pixels.ts';
import { probeImage } from '../../gpu-worker/image/probe.ts';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { allBytes, asSharp, flatPixels, pixelAt, type Raw, scatteredPixels, setupRooms } from './pictures.ts';

async function decode(file: Buffer, room: Room): Promise<Raster> {
  return decodeImage(file, await probeImage(file, { maxInputPixels: 5e6 }), room);
}

/** Decodes in memory and through scratch, and expects both to say the same. */
async function decodeBothWays(file: Buffer): Promise<Raster> {
  const { memory, scratch } = await setupRooms();
  const [held, stored] = [await decode(file, memory), await decode(file, scratch)];
  expect([held.color.location, stored.color.location]).toEqual(['memory', 'scratch']);
  expect(allBytes(stored.color)).toEqual(allBytes(held.color));
  expect(stored.alpha && allBytes(stored.alpha)).toEqual(held.alpha && allBytes(held.alpha));
  await stored.dispose();
  return held;
}

const near = (pixel: readonly number[], color: readonly number[], tolerance: number) =>
  pixel.length === color.length &&
  pixel.every((value, i) => Math.abs(value - (color[i] ?? -999)) <= tolerance);

describe('decodeImage', () => {
  it('gives the pixels of a lossless picture as they are', async () => {
    const picture = scatteredPixels(31, 17, 3);
    const raster = await decodeBothWays(await asSharp(picture).png().toBuffer());
    expect(allBytes(raster.color)).toEqual(picture.data);
    expect(raster.alpha).toBeUndefined();
  });

  it('takes alpha apart without touching hidden colours', async () => {
    const picture = scatteredPixels(31, 17, 4);
    const raster = await decodeBothWays(await asSharp(picture).png().toBuffer());
    expect(allBytes(raster.color)).toEqual(picture.data.filter((_, i) => i % 4 !== 3));
    expect(raster.alpha && allBytes(raster.alpha)).toEqual(picture.data.filter((_, i) => i % 4 === 3));
  });

  it('drops an alpha plane that is opaque everywhere, and keeps one with a single clear pixel', async () => {
    const opaque = flatPixels(40, 30, [10, 20, 30, 255]);
    expect((await decodeBothWays(await asSharp(opaque).png().toBuffer())).alpha).toBeUndefined();
    opaque.data[opaque.data.length - 1] = 254;
    const { alpha } = await decodeBothWays(await asSharp(opaque).png().toBuffer());
    expect(alpha && pixelAt(alpha, 39, 29)).toEqual([254]);
  });

  const stored: Raw = { ...scatteredPixels(5, 3, 3) };
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('sets EXIF orientation %i upright', async (orientation) => {
    const file = await asSharp(stored).withMetadata({ orientation }).png().toBuffer();
    const { color } = await decodeBothWays(file);
    const { width, height } = stored;
    /** Where the standard says that the pixel shown at x, y lies in the file. */
    const places: Record<number, (x: number, y: number) => [number, number]> = {
      1: (x, y) => [x, y],
      2: (x, y) => [width - 1 - x, y],
      3: (x, y) => [width - 1 - x, height - 1 - y],
      4: (x, y) => [x, height - 1 - y],
      5: (x, y) => [y, x],
      6: (x, y) => [y, height - 1 - x],
      7: (x, y) => [width - 1 - y, height - 1 - x],
      8: (x, y) => [width - 1 - y, x],
    };
    for (let y = 0; y < color.height; y++) {
      for (let x = 0; x < color.width; x++) {
        const [left, top] = places[orientation]?.(x, y) ?? [-1, -1];
        const at = (top * width + left) * 3;
        expect(pixelAt(color, x, y)).toEqual([...stored.data.subarray(at, at + 3)]);
      }
    }
  });

  it.each([3, 7])(
    'sets a picture of several strips upright, alpha too (orientation %i)',
    async (orientation) => {
      const large = scatteredPixels(2200, 2000, 4);
      const file = asSharp(large).withMetadata({ orientation }).png({ compressionLevel: 0 });
      const { alpha } = await decodeBothWays(await file.toBuffer());
      // Both turns show the last pixel of the file first.
      expect(alpha && pixelAt(alpha, 0, 0)).toEqual([large.data.at(-1)]);
    },
  );

  const orange = [240, 120, 20] as const;
  it.each([
    [
      '16-bit PNG',
      () =>
        asSharp(flatPixels(9, 9, orange))
          .toColourspace('rgb16')
          .png(),
      0,
    ],
    [
      '16-bit PNG with alpha',
      () =>
        asSharp(flatPixels(9, 9, [...orange, 99]))
          .toColourspace('rgb16')
          .png(),
      0,
    ],
    ['16-bit PNG tagged sRGB', () => tagged16('srgb'), 1],
    ['16-bit PNG in Display P3', () => tagged16('p3'), 2],
    [
      '8-bit PNG in Display P3',
      () =>
        asSharp(flatPixels(9, 9, orange))
          .withIccProfile('p3')
          .png(),
      3,
    ],
    ['palette PNG', () => asSharp(flatPixels(9, 9, orange)).png({ palette: true }), 0],
    ['palette PNG with tRNS', () => asSharp(flatPixels(9, 9, [...orange, 99])).png({ palette: true }), 0],
    [
      '16-bit TIFF',
      () =>
        asSharp(flatPixels(9, 9, orange))
          .toColourspace('rgb16')
          .tiff({ compression: 'lzw' }),
      0,
    ],
    [
      'Lab TIFF',
      () =>
        asSharp(flatPixels(9, 9, orange))
          .toColourspace('lab')
          .tiff({ compression: 'lzw' }),
      1,
    ],
    [
      'lossless WebP with alpha',
      () => asSharp(flatPixels(9, 9, [...orange, 99])).webp({ lossless: true }),
      0,
    ],
    ['GIF', () => asSharp(flatPixels(9, 9, orange)).gif(), 0],
    ['AVIF', () => asSharp(flatPixels(64, 64, orange)).avif({ quality: 90 }), 6],
    [
      'CMYK JPEG with profile',
      () =>
        asSharp(flatPixels(32, 32, orange))
          .toColourspace('cmyk')
          .withIccProfile('cmyk')
          .jpeg({ quality: 100 }),
      16,
    ],
    [
      'CMYK JPEG without profile',
      () =>
        asSharp(flatPixels(32, 32, orange))
          .toColourspace('cmyk')
          .jpeg({ quality: 100 }),
      20,
    ],
  ] as const)('shows the right colour of a %s', async (_name, make, tolerance) => {
    const raster = await decodeBothWays(await make().toBuffer());
    expect(pixelAt(raster.color, 4, 4)).toSatisfy((pixel: number[]) => near(pixel, orange, tolerance));
    if (raster.alpha !== undefined) expect(pixelAt(raster.alpha, 4, 4)).toEqual([99]);
  });

  const tagged16 = (profile: string) =>
    asSharp(flatPixels(9, 9, orange))
      .toColourspace('rgb16')
      .withIccProfile(profile)
      .png();

  it.each(['b-w', 'grey16'] as const)(
    'makes three equal channels of %s, with and without alpha',
    async (space) => {
      const grey = await asSharp(flatPixels(9, 9, [77]))
        .toColourspace(space)
        .png()
        .toBuffer();
      expect(pixelAt((await decodeBothWays(grey)).color, 4, 4)).toEqual([77, 77, 77]);
      const clear = await asSharp(flatPixels(9, 9, [77, 130]))
        .toColourspace(space)
        .png()
        .toBuffer();
      const raster = await decodeBothWays(clear);
      expect(pixelAt(raster.color, 4, 4)).toEqual([77, 77, 77]);
      expect(raster.alpha && pixelAt(raster.alpha, 4, 4)).toEqual([130]);
    },
  );

  it('decodes a picture whose colour profile is broken as if it had none', async () => {
    const plain = asSharp(flatPixels(16, 16, [200, 60, 30]));
    const file = await plain
      .withIccProfile('srgb')
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const profile = file.indexOf('ICC_PROFILE') + 14;
    file.fill(0x55, profile + 40, profile + 300);
    expect(pixelAt((await decodeBothWays(file)).color, 8, 8)).toSatisfy((pixel: number[]) =>
      near(pixel, [200, 60, 30], 2),
    );
  });

  it('gives the first frame of an animation', async () => {
    const frames = { data: scatteredPixels(8, 12, 3).data.map((_, i) => (i < 8 * 6 * 3 ? 250 : 5)) };
    const raw = { width: 8, height: 12, channels: 3, pageHeight: 6 } as const;
    const raster = await decodeBothWays(
      await sharp(frames.data, { raw }).webp({ lossless: true }).toBuffer(),
    );
    expect([raster.width, raster.height, pixelAt(raster.color, 0, 5)]).toEqual([8, 6, [250, 250, 250]]);
  });

  it.each([
    ['JPEG', (image) => image.jpeg()],
    ['progressive JPEG', (image) => image.jpeg({ progressive: true })],
    ['PNG', (image) => image.png()],
    ['interlaced PNG', (image) => image.png({ progressive: true })],
    ['WebP', (image) => image.webp()],
    ['GIF', (image) => image.gif()],
    ['TIFF', (image) => image.tiff({ compression: 'lzw' })],
    ['AVIF', (image) => image.avif()],
  ] as const satisfies readonly (readonly [string, (image: ReturnType<typeof asSharp>) => unknown])[])(
    'refuses a %s that was cut short, and leaves no file behind',
    async (_name, encode) => {
      const { memory, scratch, leftFiles } = await setupRooms();
      const whole = await encode(asSharp(scatteredPixels(80, 80, 3))).toBuffer();
      const cut = whole.subarray(0, Math.floor(whole.length * 0.7));
      await expect(decode(cut, memory)).rejects.toMatchObject({ code: 'image_corrupt' });
      await expect(decode(cut, scratch)).rejects.toMatchObject({ code: 'image_corrupt' });
      expect(await leftFiles()).toEqual([]);
    },
  );

  it('refuses a JPEG with a hole in its data', async () => {
    const { memory } = await setupRooms();
    const jpeg = await asSharp(scatteredPixels(200, 200, 3))
      .jpeg()
      .toBuffer();
    const middle = Math.floor(jpeg.length / 2);
    jpeg.fill(0, middle, middle + 800);
    await expect(decode(jpeg, memory)).rejects.toMatchObject({ code: 'image_corrupt' });
  });

  it('accepts a PNG that lacks only its end mark', async () => {
    const picture = scatteredPixels(20, 20, 3);
    const png = await asSharp(picture).png().toBuffer();
    expect(allBytes((await decodeBothWays(png.subarray(0, -12))).color)).toEqual(picture.data);
  });

  it('removes its scratch files when it is disposed of', async () => {
    const { scratch, leftFiles } = await setupRooms();
    const raster = await decode(
      await asSharp(scatteredPixels(20, 20, 4))
        .png()
        .toBuffer(),
      scratch,
    );
    expect(await leftFiles()).toHaveLength(2);
    await raster.dispose();
    expect(await leftFiles()).toEqual([]);
  });

  it('lets a full or missing scratch disk be the worker’s trouble, not the client’s', async () => {
    const file = await asSharp(scatteredPixels(20, 20, 3))
      .png()
      .toBuffer();
    const nowhere = { scratchDirectory: '/nowhere/at/all', maxPixelsInMemory: 0 };
    await expect(decode(file, nowhere)).rejects.toMatchObject({ code: 'internal_error' });
  });
});
