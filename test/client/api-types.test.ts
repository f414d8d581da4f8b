/** The client's types are those of the API; where types are compared, the compiler is the test: `tsc` fails. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { SuperResolutionOutput } from '../../client/api-types.ts';
import type { Outboard } from '../../client/outboard.ts';
import type { FileRole, OutputOf, ParametersOf } from '../../client/tasks.ts';
import { clientTypes } from '../../scripts/client-types.ts';

describe('the types of the client', () => {
  it('are fresh (node scripts/client-types.ts writes them)', () => {
    const file = path.resolve(import.meta.dirname, '../../client/api-types.ts');
    expect(readFileSync(file, 'utf8')).toBe(clientTypes());
  });

  it('know a task by the name of its model', () => {
    const enlarge = (outboard: Outboard, image: Blob) =>
      outboard.run('super-resolution', image, { upscale_factor: 2 });
    expectTypeOf(enlarge).returns.resolves.toHaveProperty('output').toEqualTypeOf<SuperResolutionOutput>();
    const misspelt = (outboard: Outboard, image: Blob) =>
      // @ts-expect-error: a parameter of another task
      outboard.run('super-resolution', image, { top_k: 2 });
    expectTypeOf(misspelt).toBeFunction();
    const custom = (outboard: Outboard, image: Blob) => outboard.run('bird-finder@2', image, { top_k: 2 });
    expectTypeOf(custom).returns.resolves.toHaveProperty('output');

    expectTypeOf<ParametersOf<'super-resolution'>>().not.toHaveProperty('image_base64');
    expectTypeOf<FileRole<OutputOf<'super-resolution'>>>().toEqualTypeOf<'sr_image' | 'original_image'>();
    expectTypeOf<FileRole<OutputOf<'classification'>>>().toEqualTypeOf<never>();
    expectTypeOf<FileRole<OutputOf<'object-detection'>>>().toEqualTypeOf<'annotated_image'>();
  });
});
