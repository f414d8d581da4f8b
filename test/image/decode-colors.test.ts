import { describe, expect, it } from 'vitest';
import type { Sharp } from '../../gpu-worker/image/sharp.ts';
import { asSharp, decodeBothWays, flatPixels, pixelAt } from './pictures.ts';

const near = (pixel: readonly number[], color: readonly number[], tolerance: number) =>
  pixel.length === color.length &&
  pixel.every((value, i) => Math.abs(value - (color[i] ?? -999)) <= tolerance);

describe('decodeImage shows the right colour of', () => {
  const orange = [240, 120, 20];
  const encoders: readonly (readonly [string, (image: Sharp) => Sharp, tolerance: number])[] = [
    ['a 16-bit PNG', (image) => image.toColourspace('rgb16').png(), 0],
    ['a 16-bit PNG tagged sRGB', (image) => image.toColourspace('rgb16').withIccProfile('srgb').png(), 1],
    ['a 16-bit PNG in Display P3', (image) => image.toColourspace('rgb16').withIccProfile('p3').png(), 2],
    ['an 8-bit PNG in Display P3', (image) => image.withIccProfile('p3').png(), 3],
    ['a palette PNG', (image) => image.png({ palette: true }), 0],
    ['a 16-bit TIFF', (image) => image.toColourspace('rgb16').tiff({ compression: 'lzw' }), 0],
    ['a Lab TIFF', (image) => image.toColourspace('lab').tiff({ compression: 'lzw' }), 1],
    ['a lossless WebP', (image) => image.webp({ lossless: true }), 0],
    ['an AVIF', (image) => image.avif({ quality: 90 }), 6],
  ];
  it.each(encoders)('%s, with and without alpha', async (_name, encode, tolerance) => {
    const opaque = await decodeBothWays(await encode(asSharp(flatPixels(64, 64, orange))).toBuffer());
    expect(pixelAt(opaque.color, 9, 9)).toSatisfy((pixel: number[]) => near(pixel, orange, tolerance));
    expect(opaque.alpha).toBeUndefined();

    const clear = await decodeBothWays(await encode(asSharp(flatPixels(64, 64, [...orange, 99]))).toBuffer());
    expect(pixelAt(clear.color, 9, 9)).toSatisfy((pixel: number[]) => near(pixel, orange, tolerance));
    expect(clear.alpha && pixelAt(clear.alpha, 9, 9)).toSatisfy((pixel: number[]) => near(pixel, [99], 1));
  });

  const printed: readonly (readonly [string, (image: Sharp) => Sharp])[] = [
    ['a CMYK JPEG with profile', (image) => image.withIccProfile('cmyk').jpeg({ quality: 100 })],
    ['a CMYK JPEG without profile', (image) => image.jpeg({ quality: 100 })],
    ['a CMYK TIFF', (image) => image.tiff({ compression: 'lzw' })],
  ];
  it.each(printed)('%s, as far as ink can show it', async (_name, encode) => {
    const inks = asSharp(flatPixels(64, 64, orange)).toColourspace('cmyk');
    const { color } = await decodeBothWays(await encode(inks).toBuffer());
    expect(pixelAt(color, 9, 9)).toSatisfy((pixel: number[]) => near(pixel, orange, 20));
  });

  it.each(['b-w', 'grey16'] as const)(
    '%s, in three equal channels, with and without alpha',
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

  it('a picture whose colour profile is broken, as if it had none', async () => {
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
});
