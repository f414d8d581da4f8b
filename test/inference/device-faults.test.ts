/**
 * Faults of one picture and faults of the device. Poison is a real graph on a real session; running out of memory is
 * played by faulty-session.ts with onnxruntime's own words, because a machine cannot be asked to run out of it.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { enlargeTiles } from '../../gpu-worker/enlarge-tiles.ts';
import { createPixels } from '../../gpu-worker/image/pixels.ts';
import { DeviceError } from '../../gpu-worker/inference/device-error.ts';
import { remedyFor } from '../../gpu-worker/inference/remedy.ts';
import { pictureGraph } from '../../gpu-worker/loaded-model.ts';
import { orAlone } from '../../gpu-worker/or-alone.ts';
import { bundledEnlarger } from '../../local/bundled-models.ts';
import { enlargerLane, noise, openPool, POISON, poisonableLane, turnOf } from './setup.ts';

const SIDE = 8;

const picture = (seed: number, first = seed): Uint8Array => {
  const pixels = noise(SIDE * SIDE * 3, seed);
  pixels[0] = first;
  return pixels;
};

describe('a picture that makes the graph throw', () => {
  it('fails by itself, wherever it stands in its batch, and its neighbours are answered', async () => {
    const lane = await poisonableLane(SIDE);
    for (const bad of [[0], [3], [7], [2, 5], [0, 1, 2, 3, 4, 5, 6, 7]]) {
      const { enlarge, device, fatal } = openPool({ batchSize: 8 });
      await device.warm(lane);
      const pictures = Array.from({ length: 8 }, (_, seed) =>
        picture(seed, bad.includes(seed) ? POISON : seed),
      );
      const answers = await Promise.allSettled(
        pictures.map((pixels, index) => enlarge(lane, pixels, { job: `job ${index}` })),
      );
      for (const [index, answer] of answers.entries()) {
        if (bad.includes(index)) expect(answer).toMatchObject({ reason: { code: 'model_failed' } });
        else expect(answer).toEqual({ status: 'fulfilled', value: pictures[index] });
      }
      // However often one sends it, the device is not to blame.
      expect(fatal).toEqual([]);
    }
  });

  it('is not what the empty places of a later run are filled with', async () => {
    const lane = { ...(await poisonableLane(SIDE)), batch: 4 };
    const { enlarge } = openPool();
    const poisoned = await Promise.allSettled([0, 1, 2, 3].map(() => enlarge(lane, picture(1, POISON))));
    expect(poisoned.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await enlarge(lane, picture(1))).toEqual(picture(1));
  });
});

describe('a device without enough memory', () => {
  it('gets half as many pictures a run, until they fit, and every picture is answered once', async () => {
    const lane = await enlargerLane(SIDE);
    const { enlarge, device, runs } = openPool({ batchSize: 8, faults: { mostPixels: SIDE * SIDE * 3 } });
    const pictures = Array.from({ length: 19 }, (_, seed) => picture(seed));
    const answers = await Promise.all(pictures.map((pixels) => enlarge(lane, pixels)));
    const single = openPool();
    expect(answers).toEqual(await Promise.all(pictures.map((pixels) => single.enlarge(lane, pixels))));
    expect(runs.reduce((sum, { items }) => sum + items, 0)).toBe(19);
    expect(Math.max(...runs.map(({ items }) => items))).toBe(2);
    expect(device.threads).toBe(1);
  });

  it('is known from the warm-up on, so that no job meets it', async () => {
    const lane = await enlargerLane(SIDE);
    const { enlarge, device, runs } = openPool({ batchSize: 8, faults: { mostPixels: SIDE * SIDE * 4 } });
    await device.warm(lane);
    await Promise.all(Array.from({ length: 8 }, (_, seed) => enlarge(lane, picture(seed))));
    expect(runs.map(({ items }) => items)).toEqual([4, 4]);
  });

  it('gets smaller tiles of the same picture, and the result is the same, bit for bit', async () => {
    const model = await bundledEnlarger('super-resolution-tiny');
    const { file, graph } = pictureGraph(model, 2);
    const tile = { width: 64, height: 64 };
    const room = { scratchDirectory: await mkdtemp(path.join(tmpdir(), 'outboard-test-')) };
    const source = await createPixels({ width: 150, height: 100 }, 3, room);
    source.writeWindow({ left: 0, top: 0, width: 150, height: 100 }, noise(150 * 100 * 3, 1));
    const enlargeOn = async (device: ReturnType<typeof openPool>['device']) => {
      const canvas = await enlargeTiles(
        source,
        { file, graph: { ...graph, tile } },
        { device, room, turn: turnOf('job'), signal: new AbortController().signal, onTile: () => {} },
      );
      const pixels = new Uint8Array(300 * 200 * 3);
      canvas.finish().readWindow({ left: 0, top: 0, width: 300, height: 200 }, pixels);
      return pixels;
    };
    const { device, runs } = openPool({ batchSize: 2, faults: { mostPixels: 40 * 40 } });
    const small = await enlargeOn(device);
    expect(small).toEqual(await enlargeOn(openPool().device));
    expect(runs.length).toBeGreaterThan(20);
  });

  it('gets a picture that cannot be made smaller once more, alone, and then says so', async () => {
    const lane = await enlargerLane(SIDE);
    const small = await enlargerLane(SIDE / 2);
    const { enlarge, device, fatal } = openPool({ faults: { mostPixels: SIDE * SIDE - 1 } });
    await device.warm(small);
    const tries: boolean[] = [];
    const failed = orAlone((isAlone) => {
      tries.push(isAlone);
      return device.enlarge({
        lane,
        turn: turnOf('job'),
        signal: new AbortController().signal,
        isAlone,
        fill: (room) => room.set(picture(1)),
        read: (output) => output.slice(),
      });
    });
    await expect(failed).rejects.toMatchObject({
      code: 'device_out_of_memory',
      message: expect.stringContaining('8×8'),
      cause: expect.objectContaining({ message: expect.stringContaining('requested buffer') }),
    });
    expect(tries).toEqual([false, true]);
    expect(fatal).toEqual([]);
    expect(await enlarge(small, noise(SIDE * SIDE * 0.75, 1))).toHaveLength(SIDE * SIDE * 3);
  });
});

it('gives up a device on which nothing works any more, after so many failures in a row', async () => {
  const lane = await enlargerLane(SIDE);
  // The warm-up and one job go well.
  const { enlarge, device, fatal } = openPool({ faults: { brokenFrom: 3 }, maxFailures: 3 });
  await device.warm(lane);
  expect(await enlarge(lane, picture(1))).toHaveLength(SIDE * SIDE * 12);
  for (const failure of [1, 2, 3]) {
    expect(fatal).toEqual([]);
    const run = enlarge(lane, picture(failure), { job: `job ${failure}` });
    // Nobody's picture is to blame, so the job is tried again elsewhere.
    await expect(run).rejects.toMatchObject({ code: 'internal_error', retryable: true });
  }
  expect(fatal.map(String)).toEqual([expect.stringMatching(/failed 3 times in a row/)]);
});

describe('what failed', () => {
  it('always comes to an end, whatever goes on failing', () => {
    for (const isOutOfMemory of [true, false]) {
      let groups = [Array.from({ length: 8 }, (_, index) => index)];
      const ended: number[] = [];
      for (let run = 0; groups.length > 0; run += 1) {
        expect(run).toBeLessThan(20);
        const [group = [], ...others] = groups;
        const remedy = remedyFor(group as [number, ...number[]], isOutOfMemory, undefined);
        groups = others;
        if (remedy.kind === 'again') groups.push(...remedy.groups.map((items) => [...items]));
        else ended.push(remedy.item);
        if (remedy.kind !== 'again') expect(remedy.kind).toBe(isOutOfMemory ? 'too-large' : 'at-fault');
      }
      expect(ended.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it.each([
    '[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 285081600',
    'onnxruntime::BFCArena::AllocateRawInternal Available memory of 0 is smaller than requested bytes of 701267968',
    'CUDA failure 2: out of memory ; GPU=0 ; hostname=host ; file=cuda_allocator.cc ; line=48 ; expr=cudaMalloc((void**)&p, size);',
    'CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0',
    'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0',
    'std::bad_alloc',
  ])('is known as want of memory: %s', (reason) => {
    expect(new DeviceError(reason).isOutOfMemory).toBe(true);
  });

  it.each([
    'CUDA failure 700: an illegal memory access was encountered ; GPU=0',
    'CUDA failure 209: no kernel image is available for execution on the device',
    'indices element out of data bounds, idx=255 must be within the inclusive range [-255,254]',
  ])('is not taken for it: %s', (reason) => {
    expect(new DeviceError(reason).isOutOfMemory).toBe(false);
  });
});
