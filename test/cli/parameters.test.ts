/** Parameters as they are typed, against the schemas that the API gives. */
import { describe, expect, it } from 'vitest';
import { readParameters } from '../../cli/run/parameters.ts';
import type { Model } from '../../client/outboard.ts';
import { modelView } from '../../functions/http/model-view.ts';
import { catalog } from '../shared/catalog.ts';

const read = (model: string, ...pairs: string[]) => readParameters(pairs, modelView(catalog, model) as Model);

describe('parameters on the command line', () => {
  it('become numbers, words and switches as the model wants them, in one order', () => {
    const pairs = ['quality=5', 'output_format=webp', 'upscale_factor=8'];
    const parameters = read('sharp', ...pairs);
    expect(parameters).toEqual({ output_format: 'webp', quality: 5, upscale_factor: 8 });
    expect(JSON.stringify(read('sharp', ...pairs.toReversed()))).toBe(JSON.stringify(parameters));
  });

  it.each([
    ['sharp', 'upscale_factor=3', 'upscale_factor takes 2, 4 or 8, not 3.'],
    ['twice', 'upscale_factor=4', 'upscale_factor takes 2, not 4.'],
    ['sharp', 'quality=', 'quality takes a whole number from 1 to 100, not .'],
    ['sharp', 'quality=0', 'quality takes a whole number from 1 to 100, not 0.'],
    ['sharp', 'quality=1e9', 'quality takes a whole number from 1 to 100, not 1e9.'],
    ['sharp', 'output_format=gif', 'output_format takes png, jpeg or webp, not gif.'],
    ['sharp', 'quality', 'Give a parameter as name=value; quality is not.'],
    ['sharp', '=5', 'Give a parameter as name=value; =5 is not.'],
    ['sharp', 'top_k=5', 'sharp has no parameter top_k; it has upscale_factor, output_format, quality.'],
  ])('of %s: %s is refused', (model, pair, message) => {
    expect(() => read(model, pair)).toThrow(message);
  });
});
