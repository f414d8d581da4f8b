import { describe, expect, it } from 'vitest';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import {
  allBytes,
  asSharp,
  decode,
  decodeBothWays,
  flatPixels,
  pixelAt,
  type Raw,
  scatteredPixels,
  setupRooms,
} from './pictures.ts';

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

  const stored: Raw = scatteredPixels(5, 3, 4);
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('sets EXIF orientation %i upright', async (orientation) => {
    const file = await asSharp(stored).withMetadata({ orientation }).png().toBuffer();
    const { color, alpha } = await decodeBothWays(file);
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
        const at = (top * width + left) * 4;
        expect(pixelAt(color, x, y)).toEqual([...stored.data.subarray(at, at + 3)]);
        expect(alpha && pixelAt(alpha, x, y)).toEqual([stored.data[at + 3]]);
      }
    }
  });

  it.each([3, 4, 6, 7, 8])(
    'sets a picture of several strips upright (orientation %i)',
    async (orientation) => {
      const large = asSharp(scatteredPixels(2200, 2000, 1)).withMetadata({ orientation });
      await decodeBothWays(await large.png({ compressionLevel: 0 }).toBuffer());
    },
  );

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
    const holed = Buffer.concat([jpeg.subarray(0, middle), jpeg.subarray(middle + 800)]);
    await expect(decode(holed, memory)).rejects.toMatchObject({ code: 'image_corrupt' });
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
