import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { enlargeBicubic } from '../../gpu-worker/image/bicubic.ts';
import { type Channels, createPixels, type Pixels, type Room } from '../../gpu-worker/image/pixels.ts';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { allBytes, asSharp, type Raw, scatteredPixels, setupRooms } from './pictures.ts';

async function pixelsOf(picture: Raw, room: Room): Promise<Pixels> {
  const pixels = await createPixels(picture, picture.channels as Channels, room);
  pixels.writeWindow({ left: 0, top: 0, width: picture.width, height: picture.height }, picture.data);
  return pixels;
}

/** Catmull-Rom, a = −½. */
function weight(distance: number): number {
  const t = Math.abs(distance);
  if (t <= 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}

/** The definition, one sample at a time, exact: centre-aligned, edges repeated. */
function exactBicubic({ data, width, height, channels }: Raw, factor: number): Float64Array {
  const at = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const out = new Float64Array(width * factor * height * factor * channels);
  for (let i = 0; i < out.length; i++) {
    const pixel = Math.floor(i / channels);
    const x = ((pixel % (width * factor)) + 0.5) / factor - 0.5;
    const y = (Math.floor(pixel / (width * factor)) + 0.5) / factor - 0.5;
    let sum = 0;
    for (let row = Math.floor(y) - 1; row <= Math.floor(y) + 2; row++) {
      for (let column = Math.floor(x) - 1; column <= Math.floor(x) + 2; column++) {
        const place = (at(row, height) * width + at(column, width)) * channels + (i % channels);
        sum += weight(y - row) * weight(x - column) * (data[place] ?? Number.NaN);
      }
    }
    out[i] = Math.min(Math.max(sum, 0), 255);
  }
  return out;
}

describe('enlargeBicubic', () => {
  const cases = [2, 4, 8].flatMap((factor) =>
    ([1, 3] as const).flatMap((channels) =>
      (['memory', 'scratch'] as const).map((place) => ({ factor, channels, place })),
    ),
  );
  it.each(cases)(
    'is exact to a level, borders too: ×$factor, $channels channels, $place',
    async ({ factor, channels, place }) => {
      const rooms = await setupRooms();
      for (const [width, height] of [
        [1, 1],
        [2, 9],
        [23, 17],
      ] as const) {
        const picture = scatteredPixels(width, height, channels);
        const source = await pixelsOf(picture, rooms[place]);
        const enlarged = await enlargeBicubic(source, factor, rooms[place]);
        const exact = exactBicubic(picture, factor);
        const worst = allBytes(enlarged).reduce(
          (most, value, i) => Math.max(most, Math.abs(value - Math.round(exact[i] ?? 0))),
          0,
        );
        expect(worst).toBeLessThanOrEqual(1);
        await Promise.all([source.dispose(), enlarged.dispose()]);
      }
    },
  );

  it('has no seam where its strips meet', async () => {
    const { memory } = await setupRooms();
    // 8 × 1000 pixels wide: strips of 62 rows.
    const picture = scatteredPixels(1000, 130, 1);
    const enlarged = async (of: typeof picture) => {
      const pixels = await enlargeBicubic(await pixelsOf(of, memory), 8, memory);
      const bytes = allBytes(pixels);
      // So many lie in a file.
      await pixels.dispose();
      return bytes;
    };
    const whole = await enlarged(picture);
    const top = 50;
    const rows = { ...picture, height: 24, data: picture.data.slice(top * 1000, (top + 24) * 1000) };
    const part = await enlarged(rows);
    const inner = (from: number) => [from * 8 * 8000, (from + 20) * 8 * 8000] as const;
    expect(whole.subarray(...inner(top + 2))).toEqual(part.subarray(...inner(2)));
  });
});

const set5 = new URL('../../../shared/testdata/sr-eval/', import.meta.url);

describe.skipIf(!existsSync(set5))('bicubic on Set5', () => {
  /** Luma of BT.601 as the literature measures it, borders of two pixels shaved. */
  function lumaError(a: Uint8Array, b: Uint8Array, width: number, height: number): number {
    const luma = (it: Uint8Array, i: number) =>
      (65.481 * (it[i] ?? 0) + 128.553 * (it[i + 1] ?? 0) + 24.966 * (it[i + 2] ?? 0)) / 255;
    let sum = 0;
    for (let y = 2; y < height - 2; y++) {
      for (let x = 2; x < width - 2; x++) {
        const i = (y * width + x) * 3;
        sum += (luma(a, i) - luma(b, i)) ** 2;
      }
    }
    return sum / ((width - 4) * (height - 4));
  }

  it('reaches the published 33.7 dB at ×2, three more than sharp’s shifted enlargement', async () => {
    const { memory } = await setupRooms();
    const ours: number[] = [];
    const shifted: number[] = [];
    for (const name of readdirSync(set5)) {
      const file = await sharp(new URL(name, set5).pathname).metadata();
      const [width, height] = [file.width - (file.width % 2), file.height - (file.height % 2)];
      const truth = sharp(new URL(name, set5).pathname).extract({ left: 0, top: 0, width, height });
      const data = await truth.removeAlpha().toColourspace('srgb').raw().toBuffer();
      const original: Raw = { data, width, height, channels: 3 };
      const half = { width: width / 2, height: height / 2 };
      const small = await asSharp(original)
        .resize({ ...half, kernel: 'cubic', fit: 'fill' })
        .raw()
        .toBuffer();
      const low: Raw = { data: small, ...half, channels: 3 };

      const enlarged = await enlargeBicubic(await pixelsOf(low, memory), 2, memory);
      const resized = await asSharp(low)
        .resize({ width, height, kernel: 'cubic', fit: 'fill' })
        .raw()
        .toBuffer();
      const decibels = (it: Uint8Array) => 10 * Math.log10(255 ** 2 / lumaError(it, data, width, height));
      ours.push(decibels(allBytes(enlarged)));
      shifted.push(decibels(resized));
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(ours)).toBeGreaterThan(33.6);
    expect(mean(ours)).toBeLessThan(33.8);
    expect(mean(shifted)).toBeLessThan(31);
  });
});
