import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Canvas, createCanvas } from '../../gpu-worker/image/canvas.ts';
import { createPixels, openPixels } from '../../gpu-worker/image/pixels.ts';
import { coreInOutput, planTiles } from '../../gpu-worker/tensor/tiles.ts';
import { allBytes, scatteredPixels, setupRooms } from './pictures.ts';

const places = ['memory', 'scratch'] as const;

async function setup(place: (typeof places)[number], size = { width: 12, height: 9 }) {
  const rooms = await setupRooms();
  const canvas = await createCanvas(size, 3, rooms[place]);
  return { ...rooms, canvas };
}

/** A whole tile at a place, filled with one value. */
function paint(canvas: Canvas, left: number, top: number, width: number, height: number, value = 7): void {
  const tile = new Uint8Array(width * height * 3).fill(value);
  canvas.writeTile(tile, width, { left: 0, top: 0, width, height }, { left, top });
}

describe.each(places)('a canvas in %s', (place) => {
  it('puts a picture together from overlapping tiles, pixel for pixel', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        async (width, height) => {
          const { canvas, memory } = await setup(place, { width, height });
          const picture = scatteredPixels(width, height, 3);
          const source = await createPixels(picture, 3, memory);
          source.writeWindow({ left: 0, top: 0, width, height }, picture.data);
          for (const tile of planTiles({ width, height, tileWidth: 32, tileHeight: 24, overlap: 5 })) {
            const seen = new Uint8Array(tile.source.width * tile.source.height * 3);
            source.readWindow(tile.source, seen);
            canvas.writeTile(seen, tile.source.width, coreInOutput(tile, 1), tile.core);
          }
          expect(canvas.progress).toBe(1);
          expect(allBytes(canvas.finish())).toEqual(picture.data);
          await canvas.dispose();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('is read by sharp as the pixels that were written', async () => {
    const { canvas } = await setup(place);
    const picture = scatteredPixels(12, 9, 3);
    canvas.writeTile(picture.data, 12, { left: 0, top: 0, width: 12, height: 9 }, { left: 0, top: 0 });
    const { data, info } = await openPixels(canvas.finish()).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([12, 9, 3]);
    expect(new Uint8Array(data)).toEqual(picture.data);
    await canvas.dispose();
  });

  it('gives nothing away while a pixel is missing', async () => {
    const { canvas } = await setup(place);
    expect(() => canvas.finish()).toThrow('108 pixels');
    paint(canvas, 0, 0, 12, 8);
    paint(canvas, 0, 8, 11, 1);
    expect(() => canvas.finish()).toThrow('1 pixels');
    paint(canvas, 11, 8, 1, 1);
    expect(canvas.finish().width).toBe(12);
    await canvas.dispose();
  });

  it('refuses to write a pixel twice, so that two wrongs never add up to the right area', async () => {
    const { canvas } = await setup(place);
    paint(canvas, 0, 0, 6, 9);
    expect(() => paint(canvas, 5, 8, 6, 9 - 8)).toThrow(/Written twice/);
    expect(() => canvas.finish()).toThrow('54 pixels');
    await canvas.dispose();
  });

  it('refuses a tile outside, and a crop that its output does not have', async () => {
    const { canvas } = await setup(place);
    expect(() => paint(canvas, 8, 0, 6, 4)).toThrow(RangeError);
    expect(() => paint(canvas, -1, 0, 6, 4)).toThrow(RangeError);
    const tile = new Uint8Array(4 * 4 * 3);
    const crop = (left: number, height: number) => () =>
      canvas.writeTile(tile, 4, { left, top: 0, width: 3, height }, { left: 0, top: 0 });
    expect(crop(2, 4)).toThrow(RangeError);
    expect(crop(0, 5)).toThrow(RangeError);
    expect(canvas.progress).toBe(0);
    await canvas.dispose();
  });

  it('takes and gives shared memory', async () => {
    const { canvas } = await setup(place);
    const shared = new Uint8Array(new SharedArrayBuffer(12 * 9 * 3)).fill(9);
    canvas.writeTile(shared, 12, { left: 0, top: 0, width: 12, height: 9 }, { left: 0, top: 0 });
    const into = new Uint8Array(new SharedArrayBuffer(2 * 2 * 3));
    canvas.finish().readWindow({ left: 3, top: 4, width: 2, height: 2 }, into);
    expect([...into]).toEqual(Array(12).fill(9));
    await canvas.dispose();
  });

  it('leaves no file behind, and can be disposed of twice', async () => {
    const { canvas, leftFiles } = await setup(place);
    expect(await leftFiles()).toHaveLength(place === 'scratch' ? 1 : 0);
    await canvas.dispose();
    await canvas.dispose();
    expect(await leftFiles()).toEqual([]);
  });
});
