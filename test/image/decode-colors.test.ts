import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Sharp } from '../../gpu-worker/image/sharp.ts';
import { asSharp, decodeBothWays, flatPixels, pixelAt } from './pictures.ts';

const near = (pixel: readonly number[], color: readonly number[], tolerance: number) =>
  pixel.length === color.length &&
  pixel.every((value, i) => Math.abs(value - (color[i] ?? -999)) <= tolerance);

/** A grey ICC profile in which light is a number: no gamma. */
function linearGreyProfile(): Buffer {
  const white = Buffer.from('58595a20000000000000f6d6000100000000d32d', 'hex');
  const curve = Buffer.from('63757276000000000000000101000000', 'hex');
  const text = Buffer.concat([Buffer.from('text\0\0\0\0none\0', 'latin1'), Buffer.alloc(3)]);
  const tags = [
    ['wtpt', white],
    ['kTRC', curve],
    ['desc', text],
    ['cprt', text],
  ] as const;
  const header = Buffer.alloc(132 + tags.length * 12);
  header.write('mntrGRAYXYZ ', 12, 'latin1');
  header.writeUInt32BE(0x04000000, 8);
  header.write('acsp', 36, 'latin1');
  header.write('0000f6d6000100000000d32d', 68, 'hex');
  header.writeUInt32BE(tags.length, 128);
  let offset = header.length;
  for (const [index, [name, data]] of tags.entries()) {
    header.write(name, 132 + index * 12, 'latin1');
    header.writeUInt32BE(offset, 136 + index * 12);
    header.writeUInt32BE(data.length, 140 + index * 12);
    offset += data.length;
  }
  header.writeUInt32BE(offset, 0);
  return Buffer.concat([header, ...tags.map(([, data]) => data)]);
}

function withPngProfile(png: Buffer, profile: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('iCCPgrey\0\0', 'latin1'), deflateSync(profile)]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  const afterHeader = 33;
  return Buffer.concat([png.subarray(0, afterHeader), chunk, png.subarray(afterHeader)]);
}

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

  it.each(['b-w', 'grey16'] as const)('%s in the light of its profile', async (space) => {
    const grey = await asSharp(flatPixels(9, 9, [55]))
      .toColourspace(space)
      .png()
      .toBuffer();
    const { color } = await decodeBothWays(withPngProfile(grey, linearGreyProfile()));
    // A fifth of the light is half way up in sRGB.
    expect(pixelAt(color, 4, 4)).toSatisfy((pixel: number[]) => near(pixel, [128, 128, 128], 3));
  });

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
