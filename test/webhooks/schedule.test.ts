/** When a webhook is tried again. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextAttempt } from '../../functions/webhooks/schedule.ts';

const START = new Date('2030-01-01T00:00:00.000Z');
const DAY_S = 86_400;
const giveUpAt = new Date(START.getTime() + DAY_S * 1000);

/** Seconds after the first attempt, of every attempt that a receiver refuses at once. */
function attempts(random: () => number): number[] {
  const seconds = [0];
  for (let failures = 1; ; failures += 1) {
    const now = new Date(START.getTime() + (seconds.at(-1) ?? 0) * 1000);
    const next = nextAttempt({ failures, now, giveUpAt, random: random() });
    if (next === undefined) return seconds;
    seconds.push((next.getTime() - START.getTime()) / 1000);
  }
}

it('is soon at first, at most three hours apart, and last a day after the first attempt', () => {
  expect(attempts(() => 0.5)).toEqual([
    0,
    5,
    35,
    155,
    455,
    1_355,
    3_155,
    6_755,
    13_955,
    24_755,
    35_555,
    46_355,
    57_155,
    67_955,
    78_755,
    DAY_S,
  ]);
});

it('always ends with an attempt after exactly a day, never waits longer than three hours and a fifth, and never shrinks to nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 40, maxLength: 40 }),
      (draws) => {
        const times = attempts(() => draws.shift() ?? 0.5);
        expect(times.at(-1)).toBe(DAY_S);
        const waits = times.slice(1).map((at, index) => Math.round((at - (times[index] ?? 0)) * 1000) / 1000);
        expect(Math.max(...waits)).toBeLessThanOrEqual(3 * 3_600 * 1.2);
        expect(Math.min(...waits.slice(0, -1))).toBeGreaterThanOrEqual(4);
        expect(times.length).toBeLessThan(25);
      },
    ),
  );
});

it.each([
  ['seconds', '600', 600],
  ['a date', 'Tue, 01 Jan 2030 00:20:00 GMT', 1_200],
  ['less than the schedule has', '1', 5],
  ['more than six hours', '999999', 21_600],
  ['a date that is past', 'Mon, 01 Jan 2029 00:00:00 GMT', 5],
  ['nonsense', 'soon', 5],
])('takes a Retry-After of %s into account', (_what, retryAfter, seconds) => {
  const next = nextAttempt({ failures: 1, now: START, giveUpAt, retryAfter, random: 0.5 });
  expect(next?.getTime()).toBe(START.getTime() + seconds * 1000);
});
