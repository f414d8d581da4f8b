/** Runs shared between jobs, on real sessions: a batch answers what each of its pictures would get alone. */
import { expect, it, vi } from 'vitest';
import { rank } from '../../gpu-worker/classify.ts';
import { findRows } from '../../gpu-worker/detect.ts';
import { inputSize, isTask, type LoadedModel } from '../../gpu-worker/loaded-model.ts';
import { bundledModels } from '../../local/bundled-models.ts';
import { enlargerLane, noise, openPool, turnOf } from './setup.ts';

const SIDE = 48;
const signal = new AbortController().signal;

it('enlarges a batch as each of its tiles alone, bit for bit, also where places stay empty', async () => {
  const lane = await enlargerLane(SIDE);
  const tiles = Array.from({ length: 11 }, (_, seed) => noise(SIDE * SIDE * 3, seed));
  const single = openPool();
  const alone = await Promise.all(tiles.map((tile) => single.enlarge(lane, tile)));
  const { enlarge, runs } = openPool({ batchSize: 4 });
  const together = await Promise.all(
    tiles.map((tile, index) => enlarge(lane, tile, { job: `job ${index % 3}` })),
  );
  expect(together).toEqual(alone);
  expect(new Set(alone.map((output) => output.join())).size).toBe(tiles.length);
  expect(runs.map(({ items }) => items)).toEqual([4, 4, 3]);
});

it('pads the last batch of a graph that takes one number of pictures only', async () => {
  const lane = { ...(await enlargerLane(SIDE)), batch: 4 };
  const tiles = Array.from({ length: 5 }, (_, seed) => noise(SIDE * SIDE * 3, seed));
  const { enlarge, runs } = openPool({ batchSize: 1 });
  const answers = await Promise.all(tiles.map((tile) => enlarge(lane, tile)));
  expect(runs.map(({ items }) => items)).toEqual([4, 1]);
  const single = openPool();
  const usual = await enlargerLane(SIDE);
  expect(answers).toEqual(await Promise.all(tiles.map((tile) => single.enlarge(usual, tile))));
});

async function bundled<Task extends LoadedModel['manifest']['task']>(task: Task) {
  const model = (await bundledModels()).find((one) => isTask(one, task));
  if (model === undefined) throw new Error(`no ${task}`);
  return model as LoadedModel<Task>;
}

it('classifies a batch as each of its pictures alone', async () => {
  const model = await bundled('classification');
  const { height, width } = inputSize(model);
  const pictures = Array.from({ length: 7 }, (_, seed) => noise(height * width * 3, seed));
  const ask = (device: ReturnType<typeof openPool>['device']) =>
    Promise.all(pictures.map((pixels) => rank(model, pixels, device, { turn: turnOf('job'), signal })));
  const alone = await ask(openPool().device);
  const { device, runs } = openPool({ batchSize: 4 });
  const together = await ask(device);
  expect(runs.map(({ items }) => items)).toEqual([4, 3]);
  for (const [index, ranked] of together.entries()) {
    expect(ranked.map(({ class_id }) => class_id)).toEqual(alone[index]?.map(({ class_id }) => class_id));
    // A matrix product of several rows may add in another order.
    for (const [place, { score }] of ranked.entries()) {
      expect(score).toBeCloseTo(alone[index]?.[place]?.score ?? Number.NaN, 5);
    }
  }
});

it('detects in a batch what it detects in each picture alone, and gives each its own boxes', async () => {
  const model = await bundled('object-detection');
  const { height, width } = inputSize(model);
  const page = (seed: number) => {
    const pixels = new Uint8Array(height * width * 3).fill(255);
    for (let row = 40 + seed * 30; row < 140 + seed * 30; row += 2) {
      pixels.fill(0, (row * width + 50) * 3, (row * width + 200 + seed * 20) * 3);
    }
    return pixels;
  };
  const thresholds = { score_threshold: 0.05, iou_threshold: 0.5 };
  const ask = (device: ReturnType<typeof openPool>['device']) =>
    Promise.all(
      Array.from({ length: 5 }, (_, seed) =>
        findRows(model, page(seed), thresholds, device, { turn: turnOf('job'), signal }),
      ),
    );
  const alone = await ask(openPool().device);
  const { device, runs } = openPool({ batchSize: 4 });
  const together = await ask(device);
  expect(runs.map(({ items }) => items)).toEqual([4, 1]);
  expect(alone.every((rows) => rows.length > 0)).toBe(true);
  expect(new Set(alone.map((rows) => JSON.stringify(rows))).size).toBe(5);
  for (const [index, rows] of together.entries()) {
    expect(rows).toHaveLength(alone[index]?.length ?? -1);
    for (const [place, row] of rows.entries()) {
      for (const [column, value] of row.entries()) {
        expect(value).toBeCloseTo(alone[index]?.[place]?.[column] ?? Number.NaN, 2);
      }
    }
  }
});

it('never puts pictures with different thresholds into one run', async () => {
  const model = await bundled('object-detection');
  const { height, width } = inputSize(model);
  const { device, runs } = openPool({ batchSize: 4 });
  const blank = new Uint8Array(height * width * 3);
  await Promise.all(
    [0.1, 0.2, 0.1, 0.2].map((score_threshold) =>
      findRows(model, blank, { score_threshold, iou_threshold: 0.5 }, device, {
        turn: turnOf('job'),
        signal,
      }),
    ),
  );
  expect(runs.map(({ items }) => items)).toEqual([2, 2]);
});

it('lets go of what waits when its job is stopped, and of nothing else', async () => {
  const lane = await enlargerLane(SIDE);
  const { enlarge, runs, device } = openPool();
  await device.warm(lane);
  const stop = new AbortController();
  const tile = noise(SIDE * SIDE * 3, 1);
  const stopped = Array.from({ length: 20 }, () =>
    enlarge(lane, tile, { job: 'stopped', signal: stop.signal }),
  );
  const kept = Array.from({ length: 3 }, () => enlarge(lane, tile, { job: 'kept' }));
  const reason = new Error('enough');
  const settled = Promise.allSettled(stopped);
  stop.abort(reason);
  const ended = await settled;
  expect(
    ended.filter((one) => one.status === 'rejected' && one.reason === reason).length,
  ).toBeGreaterThanOrEqual(18);
  expect(await Promise.all(kept)).toHaveLength(3);
  expect(runs.length).toBeLessThanOrEqual(5);
  expect([...device.depths().values()]).toEqual([0]);
});

it('fails one item alone whose input cannot be read, and answers the others of its batch', async () => {
  const lane = await enlargerLane(SIDE);
  const { device, runs } = openPool({ batchSize: 3 });
  const broken = new Error('the disk is gone');
  const answers = await Promise.allSettled(
    [1, 2, 3].map((seed) =>
      device.enlarge({
        lane,
        turn: turnOf('job'),
        signal,
        fill: (room) => {
          if (seed === 2) throw broken;
          room.set(noise(room.length, seed));
        },
        read: (output) => output.slice(),
      }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(answers[1]).toMatchObject({ reason: broken });
  expect(runs.map(({ items }) => items)).toEqual([2]);
  const single = openPool();
  const [first] = answers;
  expect(first?.status === 'fulfilled' && first.value).toEqual(
    await single.enlarge(lane, noise(SIDE * SIDE * 3, 1)),
  );
});

it('forms full batches while a job goes on, of that job alone', async () => {
  const lane = await enlargerLane(16);
  const { enlarge, device, runs } = openPool({ threads: 2, batchSize: 8, faults: { sleepMs: 20 } });
  await device.warm(lane);
  const tile = noise(16 * 16 * 3, 1);
  let left = 640;
  // As jobs do: so many tiles at once, and the next one when one is done.
  const take = async () => {
    while (left-- > 0) await enlarge(lane, tile);
  };
  await Promise.all(Array.from({ length: device.lookahead }, take));
  expect(runs.reduce((sum, { items }) => sum + items, 0)).toBe(640);
  // The last ones may be what is left; that the device is busy all the while is for the bench to measure.
  expect(runs.filter(({ items }) => items < 8).length).toBeLessThanOrEqual(4);
});

it('tells at once when a run hangs', async () => {
  const lane = await enlargerLane(16);
  const { enlarge, fatal } = openPool({ faults: { sleepMs: 1_500 }, hungAfterMs: 300 });
  const run = enlarge(lane, noise(16 * 16 * 3, 1));
  await vi.waitFor(
    () => expect(fatal.map(String).join()).toMatch(/did not finish "picture" within 300 ms/),
    10_000,
  );
  await run;
});
