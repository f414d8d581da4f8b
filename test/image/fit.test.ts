/** A picture as a network's input: held against plain loops that resize and crop as training pipelines do. */
import { describe, expect, it } from 'vitest';
import { fitImage } from '../../gpu-worker/image/fit.ts';
import { fittingOf } from '../../gpu-worker/image/fitting.ts';
import { probeImage } from '../../gpu-worker/image/probe.ts';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { modelManifest, type Resize } from '../../shared/model.ts';

const limits = { maxInputPixels: 1e8, maxOutputPixels: 1e8 };
const how = (fields: Partial<Resize>): Resize => ({
  mode: 'cover',
  anchor: 'centre',
  fill: [9, 99, 199],
  crop_fraction: 1,
  ...fields,
});

interface Plain {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Soft shade across and down, so that a shift shows, and waves, so that a wrong scale does. */
function drawn(width: number, height: number): Plain {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      pixels.set(
        [(255 * x) / width, (255 * y) / height, 128 + 90 * Math.sin(x / 17 + y / 23)],
        (y * width + x) * 3,
      );
    }
  }
  return { width, height, pixels };
}

async function shown(picture: Plain, size: { width: number; height: number }, resize: Resize) {
  const { pixels, width, height } = picture;
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return fitImage(png, await probeImage(png, limits), size, resize);
}

/** The triangle filter over as many pixels as one pixel of the result covers, one axis after the other. */
function resized(picture: Plain, width: number, height: number): Plain {
  const taps = (from: number, to: number) =>
    Array.from({ length: to }, (_, i) => {
      const reach = Math.max(1, from / to);
      const centre = ((i + 0.5) * from) / to - 0.5;
      const near = Array.from({ length: from }, (_, k) => [k, 1 - Math.abs(k - centre) / reach] as const);
      const used = near.filter(([, weight]) => weight > 0);
      const sum = used.reduce((all, [, weight]) => all + weight, 0);
      return used.map(([k, weight]) => [k, weight / sum] as const);
    });
  const across = taps(picture.width, width);
  const down = taps(picture.height, height);
  const wide = new Float64Array(picture.height * width * 3);
  for (let y = 0; y < picture.height; y += 1) {
    for (const [x, used] of across.entries()) {
      for (let c = 0; c < 3; c += 1) {
        for (const [k, weight] of used)
          wide[(y * width + x) * 3 + c] =
            (wide[(y * width + x) * 3 + c] ?? 0) +
            weight * (picture.pixels[(y * picture.width + k) * 3 + c] ?? 0);
      }
    }
  }
  const pixels = new Uint8ClampedArray(height * width * 3);
  for (const [y, used] of down.entries()) {
    for (let at = 0; at < width * 3; at += 1) {
      pixels[y * width * 3 + at] = used.reduce((sum, [k, w]) => sum + w * (wide[k * width * 3 + at] ?? 0), 0);
    }
  }
  return { width, height, pixels: new Uint8Array(pixels.buffer) };
}

function middle({ pixels, width, height }: Plain, wide: number, high: number): Uint8Array {
  const [left, top] = [Math.trunc((width - wide) / 2), Math.trunc((height - high) / 2)];
  const rows = Array.from({ length: high }, (_, y) => {
    const start = ((top + y) * width + left) * 3;
    return pixels.subarray(start, start + wide * 3);
  });
  return new Uint8Array(Buffer.concat(rows));
}

function difference(a: Uint8Array, b: Uint8Array): { mean: number; most: number } {
  expect(a.length).toBe(b.length);
  let [sum, most] = [0, 0];
  for (const [i, value] of a.entries()) {
    const apart = Math.abs(value - (b[i] ?? 0));
    sum += apart;
    most = Math.max(most, apart);
  }
  return { mean: sum / a.length, most };
}

describe('a picture as the input of a network', () => {
  it.each([
    { from: [500, 375], to: [341, 256], f: 0.875 },
    { from: [300, 431], to: [256, 368], f: 0.875 },
    { from: [400, 400], to: [232, 232], f: 0.96552 },
    { from: [120, 90], to: [331, 248], f: 0.9 },
  ])(
    'of $from with crop fraction $f is resized to $to, of which the middle 224 is shown',
    async ({ from, to, f }) => {
      const [width = 0, height = 0] = from;
      const picture = drawn(width, height);
      const size = { width: 224, height: 224 };
      const { pixels, scale, offset } = await shown(picture, size, how({ crop_fraction: f }));
      const whole = resized(picture, to[0] ?? 0, to[1] ?? 0);
      // A shift of one pixel of the 224 moves the soft shades by a level and the waves by many.
      const { mean, most } = difference(pixels, middle(whole, 224, 224));
      expect(mean).toBeLessThan(0.8);
      expect(most).toBeLessThanOrEqual(6);
      expect([scale.x * width, scale.y * height].map((side) => Math.round(side * 1e6) / 1e6)).toEqual(to);
      expect(offset).toEqual({
        x: Math.trunc((224 - (to[0] ?? 0)) / 2),
        y: Math.trunc((224 - (to[1] ?? 0)) / 2),
      });
    },
  );

  it('without a crop fraction is cropped at its own short side', async () => {
    const picture = drawn(500, 375);
    const size = { width: 96, height: 64 };
    const { pixels } = await shown(picture, size, how({}));
    const { mean, most } = difference(pixels, middle(resized(picture, 96, 72), 96, 64));
    expect(mean).toBeLessThan(0.8);
    expect(most).toBeLessThanOrEqual(6);
  });

  it('letterboxed is whole, with the fill beside it, in the middle or at the corner', async () => {
    const picture = drawn(200, 100);
    const size = { width: 64, height: 64 };
    const whole = resized(picture, 64, 32);
    for (const [anchor, top] of [
      ['centre', 16],
      ['top-left', 0],
    ] as const) {
      const { pixels, scale, offset } = await shown(picture, size, how({ mode: 'letterbox', anchor }));
      expect(difference(pixels.subarray(top * 64 * 3, (top + 32) * 64 * 3), whole.pixels).mean).toBeLessThan(
        0.8,
      );
      expect([...pixels.subarray(-3)]).toEqual([9, 99, 199]);
      expect([...pixels.subarray((top + 32) * 64 * 3, (top + 32) * 64 * 3 + 3)]).toEqual([9, 99, 199]);
      expect({ scale, offset }).toEqual({ scale: { x: 0.32, y: 0.32 }, offset: { x: 0, y: top } });
    }
  });

  it('stretched is whole, each side by its own factor', async () => {
    const picture = drawn(200, 100);
    const { pixels, scale } = await shown(picture, { width: 64, height: 48 }, how({ mode: 'stretch' }));
    expect(difference(pixels, resized(picture, 64, 48).pixels).mean).toBeLessThan(0.8);
    expect(scale).toEqual({ x: 0.32, y: 0.48 });
  });

  it('may be one pixel high and very wide', async () => {
    const line = { width: 5000, height: 1, pixels: new Uint8Array(15_000).fill(77) };
    for (const mode of ['cover', 'letterbox', 'stretch'] as const) {
      const { pixels } = await shown(line, { width: 32, height: 32 }, how({ mode }));
      expect(pixels).toHaveLength(32 * 32 * 3);
      expect([...pixels.subarray(16 * 32 * 3, 16 * 32 * 3 + 3)]).toContain(mode === 'letterbox' ? 9 : 77);
    }
  });

  it('is resized as timm and torchvision do: the short side rounded down to whole pixels', () => {
    const short = (side: number, crop_fraction: number) =>
      fittingOf({ width: 1000, height: 1000 }, { width: side, height: side }, how({ crop_fraction })).scaled
        .width;
    expect([short(224, 0.875), short(224, 0.9), short(299, 0.875), short(384, 1), short(224, 0.95)]).toEqual([
      256, 248, 341, 384, 235,
    ]);
  });
});

describe('a manifest', () => {
  const manifest = (resize: unknown) => ({
    schema_version: 1,
    name: 'm',
    version: '1',
    description: '',
    licence: '',
    parameters: 1,
    task: 'classification',
    classes: 2,
    resize,
    graphs: [
      {
        file: 'm.onnx',
        sha256: '0'.repeat(64),
        bytes: 1,
        input: { name: 'image', dtype: 'uint8', layout: 'NHWC', channels: 3 },
        outputs: { class_ids: 'c', scores: 's' },
        k: 2,
      },
    ],
  });

  it('of before the crop fraction shows what it always showed', () => {
    expect(modelManifest.parse(manifest({ mode: 'cover' }))).toMatchObject({ resize: { crop_fraction: 1 } });
  });

  it('can crop in mode cover alone, and not to nothing', () => {
    const problem = (resize: unknown) => modelManifest.safeParse(manifest(resize)).error?.issues[0];
    expect(problem({ mode: 'cover', crop_fraction: 0.875 })).toBeUndefined();
    expect(problem({ mode: 'letterbox', crop_fraction: 0.875 })).toMatchObject({
      path: ['resize', 'crop_fraction'],
      message: 'only `cover` crops',
    });
    for (const crop_fraction of [0, -1, 1.1]) expect(problem({ mode: 'cover', crop_fraction })).toBeDefined();
  });
});
