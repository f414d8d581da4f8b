import { expect, it } from 'vitest';
import { Door } from '../../gpu-worker/door.ts';
import { MemoryGate } from '../../gpu-worker/memory-gate.ts';

const never = new AbortController().signal;
const LARGEST = 1_000;

function setup(files: number) {
  const gate = new MemoryGate({ memory: files * LARGEST, disk: 0 });
  const door = new Door(gate, LARGEST);
  const fetches: { readonly end: (bytes: number) => void; readonly fail: (error: Error) => void }[] = [];
  const fetch = () => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    fetches.push({ end: (bytes) => resolve(Buffer.alloc(bytes)), fail: reject });
    return promise;
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { gate, door, fetch, fetches, settled };
}

it('lets as many be fetched at once as would fit if each were the largest', async () => {
  const { door, fetch, fetches, settled } = setup(2);
  for (let job = 0; job < 5; job += 1) void door.fetch(fetch, never);
  await settled();
  expect(fetches).toHaveLength(2);
});

it('lets many small files in, and large ones only as others leave', async () => {
  const { gate, door, fetch, fetches, settled } = setup(2);
  const jobs = Array.from({ length: 5 }, () => door.fetch(fetch, never));
  for (let job = 0; job < 3; job += 1) {
    await settled();
    fetches[job]?.end(100);
  }
  await settled();
  // Three small ones are here, so one of the largest fits beside them, not two.
  expect([fetches.length, gate.used.memory]).toEqual([4, 300 + LARGEST]);
  fetches[3]?.end(LARGEST);
  await settled();
  expect(fetches).toHaveLength(4);
  (await jobs[3])?.leave();
  await settled();
  expect(fetches).toHaveLength(5);
});

it('keeps nothing of a fetch that failed, and of a file whose job left twice', async () => {
  const { gate, door, fetch, fetches, settled } = setup(1);
  const failing = door.fetch(fetch, never);
  await settled();
  fetches[0]?.fail(new Error('gone'));
  await expect(failing).rejects.toThrow('gone');
  expect(gate.used.memory).toBe(0);
  const job = door.fetch(fetch, never);
  await settled();
  fetches[1]?.end(10);
  const { source, leave } = await job;
  expect([source.length, gate.used.memory]).toEqual([10, 10]);
  leave();
  leave();
  expect(gate.used.memory).toBe(0);
});

it('lets a job that is stopped while it waits go', async () => {
  const { door, fetch, settled } = setup(1);
  void door.fetch(fetch, never);
  const stop = new AbortController();
  const waiting = door.fetch(fetch, stop.signal);
  await settled();
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
});
