/** The odd and the broken as they are met in the wild. The files are not part of the repository. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../gpu-worker/image/decode.ts';
import { probeImage } from '../../gpu-worker/image/probe.ts';
import { allBytes, pixelAt, setupRooms } from './pictures.ts';

const folder = new URL('../../../shared/testdata/', import.meta.url);
const pathOf = (name: string) => fileURLToPath(new URL(name, folder));
const limits = { maxInputPixels: 100_000_000 };

async function decode(name: string) {
  const { memory, scratch } = await setupRooms();
  const info = await probeImage({ path: pathOf(name) }, limits);
  const raster = await decodeImage({ path: pathOf(name) }, info, memory);
  const stored = await decodeImage({ path: pathOf(name) }, info, scratch);
  expect(Buffer.compare(allBytes(stored.color), allBytes(raster.color))).toBe(0);
  await stored.dispose();
  return { info, raster };
}

describe.skipIf(!existsSync(folder))('a real picture', () => {
  /** Name, width × height upright, pages, opaque or with alpha, and one pixel that tells. */
  const good: readonly (readonly [string, string, number, string, readonly number[], readonly number[]])[] = [
    ['16-bit-grey-alpha.png', '109×96', 1, 'with alpha', [32, 28], [0, 0, 0]],
    ['1x1.png', '1×1', 1, 'opaque', [0, 0], [255, 255, 255]],
    ['8bit_depth.tiff', '21×21', 1, 'opaque', [6, 6], [0, 0, 0]],
    ['Channel_digital_image_CMYK_color.jpg', '500×333', 1, 'opaque', [150, 99], [182, 179, 170]],
    ['Flag_of_the_Netherlands-16bit.png', '900×600', 1, 'opaque', [270, 180], [174, 28, 40]],
    ['G31D_MULTI.TIF', '2464×3248', 2, 'opaque', [739, 974], [255, 255, 255]],
    ['Landscape_1.jpg', '600×450', 1, 'opaque', [180, 135], [81, 79, 84]],
    ['Landscape_3.jpg', '600×450', 1, 'opaque', [180, 135], [85, 83, 84]],
    ['Landscape_5.jpg', '600×450', 1, 'opaque', [180, 135], [79, 80, 85]],
    ['Landscape_7.jpg', '600×450', 1, 'opaque', [180, 135], [84, 82, 87]],
    ['Portrait_6.jpg', '450×600', 1, 'opaque', [135, 180], [72, 80, 54]],
    ['animated-loop-3.webp', '370×285', 10, 'opaque', [111, 85], [255, 255, 253]],
    ['big-height.webp', '13×169', 97, 'opaque', [3, 50], [255, 255, 255]],
    ['cielab-dagams.tiff', '400×266', 1, 'opaque', [120, 79], [109, 98, 82]],
    ['d.png', '48×48', 1, 'with alpha', [14, 14], [32, 28, 29]],
    ['full-transparent.png', '300×300', 1, 'with alpha', [90, 90], [71, 112, 76]],
    ['gradient_lsb_16bperchannel.tif', '100×100', 1, 'opaque', [30, 30], [77, 77, 255]],
    ['orientation-2.png', '200×100', 1, 'opaque', [60, 30], [255, 255, 255]],
    ['orientation-4.png', '200×100', 1, 'opaque', [60, 30], [255, 255, 255]],
    ['orientation-6.png', '100×200', 1, 'opaque', [30, 60], [255, 255, 255]],
    ['orientation-8.png', '100×200', 1, 'opaque', [30, 60], [255, 255, 255]],
    ['pitm.avif', '4096×800', 5, 'opaque', [1228, 240], [22, 40, 62]],
    ['rotating-squares.webp', '80×80', 9, 'with alpha', [24, 24], [16, 207, 252]],
    ['tbgn2c16.png', '32×32', 1, 'with alpha', [9, 9], [121, 121, 121]],
  ];
  it.each(good)('images-odd/%s is %s of %i pages, %s', async (name, size, pages, opacity, [x, y], color) => {
    const { info, raster } = await decode(`images-odd/${name}`);
    expect([`${raster.width}×${raster.height}`, info.pages]).toEqual([size, pages]);
    expect(raster.alpha === undefined ? 'opaque' : 'with alpha').toBe(opacity);
    const pixel = pixelAt(raster.color, x ?? 0, y ?? 0);
    for (const [i, value] of pixel.entries())
      expect(Math.abs(value - (color[i] ?? 0))).toBeLessThanOrEqual(3);
  });

  it('images-bad/no-iend.png lacks only its end mark', async () => {
    const { raster } = await decode('images-bad/no-iend.png');
    expect([raster.width, raster.height]).toEqual([64, 64]);
  });

  it('images-bad/giant-image.jpg decodes through scratch where the limit allows it', async () => {
    const { memory } = await setupRooms();
    const source = { path: pathOf('images-bad/giant-image.jpg') };
    const raster = await decodeImage(source, await probeImage(source, { maxInputPixels: 3e8 }), memory);
    expect([raster.width, raster.height, raster.color.location]).toEqual([20_000, 14_000, 'scratch']);
    await raster.dispose();
  });

  const bad: readonly (readonly [string, string])[] = [
    ['images-odd/image.heic', 'image_format_unsupported'],
    ['images-odd/relax.jp2', 'image_format_unsupported'],
    ['images-odd/struct-image-04-t.svg', 'image_format_unsupported'],
    ['images-odd/vfile.v', 'image_format_unsupported'],
    ['images-bad/16383x16383.png', 'image_too_many_pixels'],
    ['images-bad/65536-uint32-limit.png', 'image_too_many_pixels'],
    ['images-bad/bomb-30000x30000-1bit.png', 'image_too_many_pixels'],
    ['images-bad/gif-65535-canvas.gif', 'image_too_many_pixels'],
    ['images-bad/giant-image.jpg', 'image_too_many_pixels'],
    ['images-bad/BlueSquare_truncated.jpg', 'image_corrupt'],
    ['images-bad/corrupt-header.jpg', 'image_corrupt'],
    ['images-bad/dims-zero.png', 'image_corrupt'],
    ['images-bad/jpeg-cut-30pct.jpg', 'image_corrupt'],
    ['images-bad/truncated.jpg', 'image_corrupt'],
    ['images-bad/webp-cut.webp', 'image_corrupt'],
    ['images-bad/bmp-invalid-bpp.bmp', 'image_format_unsupported'],
    ['images-bad/pdf-named.png', 'image_format_unsupported'],
    ['images-bad/xxe.svg', 'image_format_unsupported'],
    ['images-bad/html.jpg', 'image_not_recognized'],
    ['images-bad/invalid-illuminant.icc', 'image_not_recognized'],
    ['images-bad/text.png', 'image_not_recognized'],
  ];
  it.each(bad)('%s is answered with %s', async (name, code) => {
    await expect(decode(name)).rejects.toMatchObject({ code });
  });
});
