import { expect, it } from 'vitest';
import { mostPlaces, Places } from '../../gpu-worker/places.ts';

const enough = 16;
const after = (places: Places, [heldMs, timings]: Parameters<Places['observe']>, count = enough) => {
  for (let job = 0; job < count; job += 1) places.observe(heldMs, timings);
  return places.now;
};
const small: Parameters<Places['observe']> = [24, { device_ms: 2, compute_ms: 4 }];
const large: Parameters<Places['observe']> = [600, { device_ms: 150, compute_ms: 400 }];
const long: Parameters<Places['observe']> = [9_000, { device_ms: 800, compute_ms: 900 }];

it('is twice what the device takes, until there is something to learn from', () => {
  const places = new Places(4, mostPlaces(4, 2));
  expect(places.now).toBe(4);
  expect(after(places, small, enough - 1)).toBe(4);
});

it('grows where jobs spend their time elsewhere, and not beyond what the cores can do', () => {
  expect(after(new Places(4, mostPlaces(4, 2)), small)).toBe(4 + 10);
  expect(after(new Places(4, mostPlaces(4, 1)), small)).toBe(8);
  expect(after(new Places(4, mostPlaces(4, 2)), [24, { compute_ms: 4 }])).toBe(16);
});

it('stays where jobs spend their time on the device', () => {
  expect(after(new Places(4, mostPlaces(4, 2)), large)).toBe(5);
});

it('is low again with the first long job, whose like an idle worker could have', () => {
  const places = new Places(4, mostPlaces(4, 2));
  expect(after(places, small)).toBeGreaterThan(4);
  expect(after(places, long, 1)).toBe(4);
  expect(after(places, small, enough - 1)).toBe(4);
  expect(after(places, small, 1)).toBe(14);
});

it('may always double', () => {
  expect(after(new Places(16, mostPlaces(16, 2)), small)).toBe(26);
  expect(after(new Places(16, mostPlaces(16, 2)), [240, small[1]])).toBe(32);
});

it('is what was asked for, where it was', () => {
  expect(after(new Places(3, 3), small)).toBe(3);
});
