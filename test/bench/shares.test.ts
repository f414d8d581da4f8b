/** The ratios of the bench: what a reader can work out by hand from the columns beside them. */
import { expect, test } from 'vitest';
import { columnMeanings, shares, shareTable } from '../../bench/shares.ts';

const turn = (partsMs: number, cpuMs: number, busy: number, rawPerSecond?: number) => ({
  partsMs,
  rawPerSecond,
  load: { cpuMs, busy },
});

test('a worker that spends twice what its parts cost and idles a fifth of the time reaches two fifths of the limit', () => {
  // Two cores and parts of 10 ms: 200 jobs a second at most; raw onnxruntime alone would do 400.
  const found = shares([turn(10, 20, 0.8, 400)], 2);
  expect(found).toMatchObject({ partsMs: 10, cpuMs: 20, work: 0.5, busy: 0.8, reached: 80 });
  expect(found.share).toBeCloseTo(0.4);
  expect(found.ofRaw).toBeCloseTo(0.2);
  expect(found.limitOfRaw).toBeCloseTo(0.5);
});

test('ratios are formed within a turn, so a turn in which everything was slow does not change them', () => {
  const { work, share } = shares([turn(10, 20, 1), turn(30, 60, 1), turn(11, 22, 1)], 2);
  expect([work, share]).toEqual([0.5, 0.5]);
});

test('one disturbed turn of three does not move what is shown', () => {
  const turns = [turn(10, 12.5, 0.9), turn(10, 50, 0.4), turn(10, 10, 1)];
  expect(shares(turns, 2)).toMatchObject({ work: 0.8, busy: 0.9, reached: 144 });
});

test('the table leaves empty what was not measured, says why, and has every row as wide as its head', () => {
  const lines = shareTable([
    ['a model', shares([turn(10, 20, 0.8, 400)], 2)],
    ['no model run', shares([turn(4, 5, 0.5)], 2)],
    ['elsewhere', 'not measured: no file'],
  ]).split('\n');
  expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
  expect(lines[2]).toBe('| a model | 10.0 | 20.0 | 50.0 % | 80.0 % | **40.0 %** | 80.0 | 20.0 % | 50.0 % |');
  expect(lines[3]).toBe('| no model run | 4.00 | 5.00 | 80.0 % | 50.0 % | **40.0 %** | 200 |  |  |');
  expect(lines[4]).toBe('| elsewhere | not measured: no file |  |  |  |  |  |  |  |');
});

test('each column that is a ratio is explained, with the cores of the machine', () => {
  const said = columnMeanings(8);
  for (const name of ['work', 'busy', 'of the CPU limit', 'jobs/s', 'of raw onnxruntime'])
    expect(said).toContain(`*${name}*`);
  expect(said).toContain('8 cores × 1000 ÷ worker × busy');
});
