import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { bicubicGraph } from '../../gpu-worker/bicubic-graph.ts';
import { enlargeTiles } from '../../gpu-worker/enlarge-tiles.ts';
import { sharp } from '../../gpu-worker/image/sharp.ts';
import { DevicePool } from '../../gpu-worker/inference/device-pool.ts';
import { exactBicubic } from '../image/exact-bicubic.ts';
import { allBytes, asSharp, type Raw, scatteredPixels, setupRooms } from '../image/pictures.ts';
import { pixelsOf } from '../image/pixels-of.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const device = new DevicePool({
  device: 'cpu',
  threads: 1,
  batchSize: 2,
  hungAfterMs: 60_000,
  onFatal: (error) => {
    throw error;
  },
});
afterAll(() => device.close());

/** As a job gets it. */
async function enlarged(picture: Raw, factor: number): Promise<Uint8Array> {
  const { memory: room } = await setupRooms();
  const canvas = await enlargeTiles(await pixelsOf(picture, room), bicubicGraph(factor), {
    device,
    room,
    turn: { tenant: '', job: '', priority: 'normal', deadline: 0 },
    signal: new AbortController().signal,
    onTile: () => {},
  });
  return allBytes(canvas.finish());
}

/** A value that lies halfway may be rounded either way. */
const HALF = 0.501;

describe('the bicubic graph', () => {
  it.each([2, 3, 4, 5, 6, 7, 8])('is exact to the rounding, borders too, at ×%i', async (factor) => {
    const side = bicubicGraph(factor).graph.tile.width;
    for (const [width, height] of [
      [1, 1],
      [2, 9],
      [23, 17],
      // Two tiles each way.
      [side + 11, side + 1],
    ] as const) {
      const picture = scatteredPixels(width, height, 3);
      const found = await enlarged(picture, factor);
      const exact = exactBicubic(picture, factor);
      const worst = found.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (exact[i] ?? Number.NaN))),
        0,
      );
      expect(worst).toBeLessThanOrEqual(HALF);
    }
  });

  it('is what its script writes', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'outboard-bicubic-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    execFileSync(process.execPath, [path.join(ROOT, 'scripts/bicubic-graphs.ts'), folder]);
    const kept = path.join(ROOT, 'gpu-worker/bicubic');
    expect(readdirSync(folder)).toEqual(readdirSync(kept));
    for (const name of readdirSync(folder)) {
      expect(readFileSync(path.join(folder, name)).equals(readFileSync(path.join(kept, name)))).toBe(true);
    }
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

      const found = await enlarged(low, 2);
      const resized = await asSharp(low)
        .resize({ width, height, kernel: 'cubic', fit: 'fill' })
        .raw()
        .toBuffer();
      const decibels = (it: Uint8Array) => 10 * Math.log10(255 ** 2 / lumaError(it, data, width, height));
      ours.push(decibels(found));
      shifted.push(decibels(resized));
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(ours)).toBeGreaterThan(33.6);
    expect(mean(ours)).toBeLessThan(33.8);
    expect(mean(shifted)).toBeLessThan(31);
  });
});
