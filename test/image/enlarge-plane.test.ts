import { describe, expect, it } from 'vitest';
import { enlargePlane } from '../../gpu-worker/image/enlarge-plane.ts';
import { exactBicubic } from './exact-bicubic.ts';
import { allBytes, scatteredPixels, setupRooms } from './pictures.ts';
import { pixelsOf } from './pixels-of.ts';

describe('enlargePlane', () => {
  const cases = [2, 4, 8].flatMap((factor) =>
    (['memory', 'scratch'] as const).map((place) => ({ factor, place })),
  );
  it.each(cases)('is exact to a level, borders too: ×$factor, $place', async ({ factor, place }) => {
    const rooms = await setupRooms();
    for (const [width, height] of [
      [1, 1],
      [2, 9],
      [23, 17],
    ] as const) {
      const picture = scatteredPixels(width, height, 1);
      const source = await pixelsOf(picture, rooms[place]);
      const enlarged = await enlargePlane(source, factor, rooms[place]);
      const exact = exactBicubic(picture, factor);
      const worst = allBytes(enlarged).reduce(
        (most, value, i) => Math.max(most, Math.abs(value - Math.round(exact[i] ?? 0))),
        0,
      );
      expect(worst).toBeLessThanOrEqual(1);
      await Promise.all([source.dispose(), enlarged.dispose()]);
    }
  });

  it('has no seam where its strips meet', async () => {
    const { memory } = await setupRooms();
    // 8 × 1000 pixels wide: strips of 62 rows.
    const picture = scatteredPixels(1000, 130, 1);
    const enlarged = async (of: typeof picture) => {
      const pixels = await enlargePlane(await pixelsOf(of, memory), 8, memory);
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
