/** The bench's judgement: a straight line is told from a curve. */
import { expect, test } from 'vitest';
import { fitLine } from '../../bench/growth/fit.ts';

const over = (cost: (x: number) => number) => [1, 10, 100, 1_000].map((x) => ({ x, y: cost(x) }));

test('a cost of so much at first and so much for each has no distance from its line', () => {
  const { fixed, slope, worst } = fitLine(over((x) => 50 + 3 * x));
  expect(fixed).toBeCloseTo(50);
  expect(slope).toBeCloseTo(3);
  expect(worst).toBeLessThan(1e-6);
});

test('a cost that grows with the square lies far from any line', () => {
  expect(fitLine(over((x) => 50 + 0.1 * x ** 2)).worst).toBeGreaterThan(0.5);
});

test('a large measurement that is a little off does not bend the line away from the small ones', () => {
  const points = over((x) => 3 * x).map(({ x, y }) => ({ x, y: x === 1_000 ? y * 1.1 : y }));
  expect(fitLine(points).worst).toBeLessThan(0.15);
});
