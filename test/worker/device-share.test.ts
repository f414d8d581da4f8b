/** Shares of the device among jobs that compute at the same time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DeviceShare } from '../../gpu-worker/device-share.ts';

it('gives a job that is alone all the time, and halves it while there are two', () => {
  let now = 0;
  const share = new DeviceShare(() => now);
  const first = share.begin();
  now = 100;
  const second = share.begin();
  now = 300;
  // 100 ms alone and half of 200 ms.
  expect(first()).toBe(200);
  now = 350;
  expect(second()).toBe(150);
});

it('shares out exactly the time in which anybody computed', () => {
  const jobs = fc.array(fc.record({ start: fc.nat(1000), length: fc.integer({ min: 1, max: 1000 }) }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(jobs, (spans) => {
      let now = 0;
      const share = new DeviceShare(() => now);
      const ends = new Map<number, () => number>();
      let total = 0;
      let busy = 0;
      for (; now <= 2000; now += 1) {
        spans.forEach(({ start, length }, index) => {
          if (start + length === now) total += ends.get(index)?.() ?? 0;
        });
        spans.forEach(({ start }, index) => {
          if (start === now) ends.set(index, share.begin());
        });
        if (spans.some(({ start, length }) => start <= now && now < start + length)) busy += 1;
      }
      expect(total).toBeCloseTo(busy, 6);
    }),
  );
});
