/** What each output format can hold, said at submit and by the worker alike. */
import { describe, expect, it } from 'vitest';
import { checkEnlargement } from '../../gpu-worker/image/probe.ts';
import { checkOutputFormat } from '../../shared/output-format.ts';

type Asked = Parameters<typeof checkOutputFormat>;
const square = (side: number) => ({ width: side, height: side });
const edges: readonly (readonly [string, boolean, ...Asked])[] = [
  ['the last side of WebP', true, { width: 16_383, height: 1 }, 1, 'webp'],
  ['one beyond it', false, { width: 1, height: 16_384 }, 1, 'webp'],
  ['the last side of WebP, enlarged', true, { width: 4_095, height: 10 }, 4, 'webp'],
  ['one beyond it, enlarged', false, { width: 4_096, height: 10 }, 4, 'webp'],
  ['the last area of WebP', true, square(10_000), 1, 'webp'],
  ['one beyond it in area', false, { width: 10_000, height: 10_001 }, 1, 'webp'],
  ['the last side of JPEG', true, { width: 65_535, height: 1 }, 1, 'jpeg'],
  ['one beyond the side of JPEG', false, { width: 8_192, height: 1 }, 8, 'jpeg'],
  ['what PNG holds', true, square(100_000), 8, 'png'],
];

describe.each(edges)('%s', (_, fits, size, factor, format) => {
  it(fits ? 'is taken' : 'is refused', () => {
    const check = () => checkOutputFormat(size, factor, format);
    if (fits) expect(check).not.toThrow();
    else
      expect(check).toThrow(expect.objectContaining({ code: 'output_format_limit', field: 'output_format' }));
  });

  it('is judged the same by the worker', () => {
    const check = () => checkEnlargement(size, factor, { maxOutputPixels: Number.POSITIVE_INFINITY }, format);
    if (fits) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'output_format_limit' }));
  });
});

it('says what to ask for instead, and only what would help', () => {
  const said = (...asked: Asked) => {
    try {
      checkOutputFormat(...asked);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  expect(said({ width: 4_100, height: 10 }, 4, 'webp')).toMatch(
    /16400×40; WEBP ends at 16383 pixels a side and 100000000 in all. Ask for output_format png or output_format jpeg or a smaller upscale_factor\.$/,
  );
  expect(said({ width: 70_000, height: 10 }, 1, 'jpeg')).toMatch(/Ask for output_format png\.$/);
});
