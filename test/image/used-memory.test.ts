import { expect, it } from 'vitest';
import { UsedMemory } from '../../gpu-worker/image/used-memory.ts';

it('gives what was given, as long as asked for, and to one at a time', () => {
  const used = new UsedMemory();
  const first = used.take(1_000);
  used.give(first);
  const second = used.take(900);
  expect(second.length).toBe(900);
  expect(second.buffer).toBe(first.buffer);
  expect(used.take(900).buffer).not.toBe(first.buffer);
});

it('keeps large memory for large pictures', () => {
  const used = new UsedMemory();
  const large = used.take(4_000);
  const fitting = used.take(1_500);
  used.give(large);
  used.give(fitting);
  expect(used.take(1_000).buffer).toBe(fitting.buffer);
  expect(used.take(1_000).buffer).not.toBe(large.buffer);
  expect(used.take(4_000).buffer).toBe(large.buffer);
});

it('gives all of it again that was taken in part', () => {
  const used = new UsedMemory();
  const first = used.take(1_000);
  used.give(first);
  used.give(used.take(600));
  expect(used.take(1_000).buffer).toBe(first.buffer);
});

it('holds no more than some pictures, the latest', () => {
  const used = new UsedMemory();
  const pictures = Array.from({ length: 5 }, () => used.take(12_000_000));
  for (const picture of pictures) used.give(picture);
  expect(used.bytes).toBe(24_000_000);
  expect(used.take(12_000_000).buffer).toBe(pictures[3]?.buffer);
  used.give(new Uint8Array(40_000_000));
  expect(used.bytes).toBe(12_000_000);
});
