import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coreInOutput, planTiles, type Tile, type Window } from '../../gpu-worker/tensor/tiles.ts';

const right = (window: Window) => window.left + window.width;
const bottom = (window: Window) => window.top + window.height;

const grids = fc
  .record({
    width: fc.integer({ min: 1, max: 400 }),
    height: fc.integer({ min: 1, max: 400 }),
    overlap: fc.integer({ min: 0, max: 24 }),
    extraWidth: fc.integer({ min: 1, max: 90 }),
    extraHeight: fc.integer({ min: 1, max: 90 }),
  })
  .map(({ extraWidth, extraHeight, ...grid }) => ({
    ...grid,
    tileWidth: 2 * grid.overlap + extraWidth,
    tileHeight: 2 * grid.overlap + extraHeight,
  }));

function countCover({ width, height }: { width: number; height: number }, tiles: Tile[]): Uint8Array {
  const cover = new Uint8Array(width * height);
  for (const { core } of tiles) {
    for (let y = core.top; y < bottom(core); y++) {
      for (let x = core.left; x < right(core); x++) cover[y * width + x] = (cover[y * width + x] ?? 0) + 1;
    }
  }
  return cover;
}

describe('planTiles', () => {
  it('gives cores that partition the picture', () => {
    fc.assert(
      fc.property(grids, (grid) => {
        expect(countCover(grid, planTiles(grid)).every((times) => times === 1)).toBe(true);
      }),
    );
  });

  it('keeps every tile inside the picture and of one size', () => {
    fc.assert(
      fc.property(grids, (grid) => {
        for (const { source } of planTiles(grid)) {
          expect(source.width).toBe(Math.min(grid.width, grid.tileWidth));
          expect(source.height).toBe(Math.min(grid.height, grid.tileHeight));
          expect(Math.min(source.left, source.top)).toBeGreaterThanOrEqual(0);
          expect(right(source)).toBeLessThanOrEqual(grid.width);
          expect(bottom(source)).toBeLessThanOrEqual(grid.height);
        }
      }),
    );
  });

  it('keeps each core at least the overlap away from every cut', () => {
    fc.assert(
      fc.property(grids, (grid) => {
        const { overlap } = grid;
        for (const { source, core } of planTiles(grid)) {
          if (source.left > 0) expect(core.left - source.left).toBeGreaterThanOrEqual(overlap);
          if (source.top > 0) expect(core.top - source.top).toBeGreaterThanOrEqual(overlap);
          if (right(source) < grid.width) expect(right(source) - right(core)).toBeGreaterThanOrEqual(overlap);
          if (bottom(source) < grid.height) {
            expect(bottom(source) - bottom(core)).toBeGreaterThanOrEqual(overlap);
          }
        }
      }),
    );
  });

  it('uses the fewest tiles that can hold the margins', () => {
    const plan = (length: number) =>
      planTiles({ width: length, height: 1, tileWidth: 100, tileHeight: 100, overlap: 10 }).length;
    expect([1, 100, 101, 180, 181, 260, 261].map(plan)).toEqual([1, 1, 2, 2, 3, 3, 4]);
  });

  it('begins tiles at multiples of the step, with margins as wide', () => {
    const stepped = fc
      .record({
        step: fc.integer({ min: 1, max: 16 }),
        length: fc.integer({ min: 1, max: 40 }),
        overlap: fc.integer({ min: 0, max: 40 }),
        extra: fc.integer({ min: 1, max: 6 }),
      })
      .map(({ step, length, overlap, extra }) => {
        const tile = (2 * Math.ceil(overlap / step) + extra) * step;
        return { width: length * step, height: step, tileWidth: tile, tileHeight: tile, overlap, step };
      });
    fc.assert(
      fc.property(stepped, (grid) => {
        const tiles = planTiles(grid);
        expect(countCover(grid, tiles).every((times) => times === 1)).toBe(true);
        for (const { source, core } of tiles) {
          expect(source.left % grid.step).toBe(0);
          expect(source.width).toBe(Math.min(grid.width, grid.tileWidth));
          if (source.left > 0) expect(core.left - source.left).toBeGreaterThanOrEqual(grid.overlap);
          if (right(source) < grid.width) {
            expect(right(source) - right(core)).toBeGreaterThanOrEqual(grid.overlap);
          }
        }
      }),
    );
    expect(() =>
      planTiles({ width: 30, height: 8, tileWidth: 16, tileHeight: 16, overlap: 2, step: 4 }),
    ).toThrow(RangeError);
  });

  it('goes in reading order', () => {
    const tiles = planTiles({ width: 300, height: 200, tileWidth: 128, tileHeight: 128, overlap: 8 });
    const places = tiles.map(({ core }) => core.top * 300 + core.left);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('refuses a tile that is all margin, and sizes that are none', () => {
    const plan =
      (overlap: number, width = 300) =>
      () =>
        planTiles({ width, height: 300, tileWidth: 128, tileHeight: 128, overlap });
    expect(plan(64)).toThrow(RangeError);
    expect(plan(-1)).toThrow(RangeError);
    expect(plan(8, 0)).toThrow(RangeError);
    expect(plan(8, 1.5)).toThrow(RangeError);
  });
});

describe('coreInOutput', () => {
  it('places the core within the output of its own tile', () => {
    const source = { left: 40, top: 30, width: 64, height: 64 };
    const core = { left: 50, top: 40, width: 44, height: 54 };
    expect(coreInOutput({ source, core }, 4)).toEqual({ left: 40, top: 40, width: 176, height: 216 });
  });
});
