/** docs/memory.md says what the planner computes with. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MAX_PIXELS_IN_MEMORY } from '../../gpu-worker/image/pixels.ts';
import { LEAST_SHARE, RUNTIME_BYTES } from '../../gpu-worker/memory-budget.ts';
import {
  decoderHolds,
  encoderHolds,
  fileHolds,
  STRIPS,
  STRIPS_PER_PIXEL,
} from '../../gpu-worker/memory-plan.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/memory.md'), 'utf8');

it.each(Object.entries({ ...decoderHolds, ...encoderHolds }))('docs/memory.md has %s: %s', (codec, bytes) => {
  expect(page).toContain(`\n| ${codec} | ${bytes} |\n`);
});

it('docs/memory.md has the other numbers of the formula', () => {
  const { png, jpeg, webp } = fileHolds;
  expect(page).toContain(`PNG ${png}, JPEG ${jpeg}, WebP ${webp}.`);
  expect(page).toContain(`strips(n) = min(${STRIPS / 1e6} MB, ${STRIPS_PER_PIXEL} n)`);
  expect(page).toContain(`limit ÷ ${1 / LEAST_SHARE}, limit − ${RUNTIME_BYTES / 1e6} MB`);
  expect(page).toContain(`A JPEG above ${MAX_PIXELS_IN_MEMORY / 1e6} megapixels`);
});
