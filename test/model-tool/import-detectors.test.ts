import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect } from '../../model-tool/golden/packaged.ts';
import { builtInPictures } from '../../model-tool/golden/pictures.ts';
import { tensorInfo } from '../../model-tool/graph-builder.ts';
import { importModel } from '../../model-tool/import/import-model.ts';
import type { ImportOptions } from '../../model-tool/import/options.ts';
import type { LoadedModel } from '../../model-tool/onnx/model-file.ts';
import { Runtime } from '../../model-tool/runtime/runtime.ts';
import { CELLS, found, metadata, net, plantedRows, SIDE, saved, table } from './tiny-models.ts';

let runtime: Runtime;
beforeAll(() => {
  runtime = new Runtime();
});
afterAll(() => runtime[Symbol.asyncDispose]());

/** Imports a detector and runs the package on two different pictures at once. */
async function setup(model: LoadedModel, options: Partial<ImportOptions> = {}) {
  const { file } = await saved(model);
  const out = await mkdtemp(join(tmpdir(), 'outboard-models-'));
  const imported = await importModel({
    file,
    name: 'tiny',
    version: '1',
    task: 'object-detection',
    out,
    scale: '0-1',
    ...options,
  });
  const pictures = builtInPictures({ height: SIDE, width: SIDE }).slice(0, 2);
  const graph = join(imported.folder, 'model.onnx');
  const { manifest } = imported;
  if (manifest.task !== 'object-detection') throw new Error('The manifest is of another task.');
  const run = (batch = pictures) => detect(runtime, graph, batch, { score: 0.5, iou: 0.45 });
  return { manifest, notes: imported.notes.join('\n'), run };
}

function expectFound(rows: readonly (readonly number[])[] | undefined, expected = found): void {
  expect(rows).toHaveLength(expected.length);
  for (const [i, row] of expected.entries()) {
    expect(Math.abs(rows?.[i]?.[0] ?? -1)).toBe(row[0]);
    expect(rows?.[i]?.[1]).toBeCloseTo(row[1] ?? 0, 1);
    for (const at of [2, 3, 4, 5]) expect(rows?.[i]?.[at]).toBeCloseTo(row[at] ?? 0, 0);
  }
}

const logit = (score: number) => Math.log(score / (1 - score));

describe('importing detectors', () => {
  it('reads YOLOv5: rows of box, objectness and classes; the baked batch becomes any', async () => {
    const { builder, finish } = net();
    const rows = plantedRows(CELLS * 3, 3, (box, scores) => [...box, 1, ...scores]);
    const { manifest, run } = await setup(
      finish({ output0: [table(builder, rows), 'float32', [1, CELLS * 3, 8]] }),
    );
    expect(manifest).toMatchObject({
      head: 'yolov5',
      classes: 3,
      resize: { mode: 'letterbox', anchor: 'centre' },
    });
    expect(manifest.graphs[0]?.input).toMatchObject({ batch: 'dynamic', height: SIDE, width: SIDE });
    for (const picture of await run()) expectFound(picture);
  });

  it('reads YOLOv8: columns of box and classes, with names and size from the metadata', async () => {
    const { model, builder, finish } = net();
    model.metadata_props = [
      metadata('author', 'Ultralytics'),
      metadata('names', "{0: 'cat', 1: 'dog', 2: 'tie'}"),
    ];
    // What is class 1 is nearly class 0 too: a box has one class in this family.
    const rows = plantedRows(CELLS, 3, (box, [a = 0, b = 0, c = 0]) => [...box, b === 0.6 ? 0.55 : a, b, c]);
    const output = builder.transpose(table(builder, rows), [0, 2, 1]);
    const { manifest, run } = await setup(finish({ output0: [output, 'float32', [1, 7, CELLS]] }), {
      scale: undefined,
    });
    expect(manifest).toMatchObject({ head: 'yolov8', labels: ['cat', 'dog', 'tie'] });
    for (const picture of await run()) expectFound(picture);
  });

  it('leaves mask coefficients and key points after the classes out, with names in the metadata and without', async () => {
    for (const names of ["{0: 'cat', 1: 'dog', 2: 'tie'}", undefined]) {
      const { model, builder, finish } = net();
      if (names !== undefined) model.metadata_props = [metadata('names', names)];
      const rows = plantedRows(CELLS, 3, (box, scores) => [...box, ...scores, box[0] ?? 0, -1.5, 0.9]);
      const output = builder.transpose(table(builder, rows), [0, 2, 1]);
      const { manifest, run } = await setup(finish({ output0: [output, 'float32', [1, 10, CELLS]] }));
      expect(manifest.classes).toBe(3);
      for (const picture of await run()) expectFound(picture);
    }
  });

  it('refuses rotated boxes, whose angle follows the scores', async () => {
    for (const task of ['obb', undefined]) {
      const { model, builder, finish } = net();
      if (task !== undefined) model.metadata_props = [metadata('task', task)];
      const rows = plantedRows(CELLS, 3, (box, scores) => [...box, ...scores, ((box[0] ?? 0) - 20) / 30]);
      const output = builder.transpose(table(builder, rows), [0, 2, 1]);
      const turned = setup(finish({ output0: [output, 'float32', [1, 8, CELLS]] }));
      await expect(turned).rejects.toThrow('rotated');
    }
  });

  it('applies the activation that is said, and takes coarse scores above 1 for no logits', async () => {
    const yolo = () => {
      const { builder, finish } = net();
      const rows = plantedRows(CELLS, 3, (box, scores) => [
        ...box,
        ...scores.map((s) => (s === 0.9 ? 1.2 : s)),
      ]);
      const output = builder.transpose(table(builder, rows), [0, 2, 1]);
      return finish({ output0: [output, 'float32', [1, 7, CELLS]] });
    };
    const best = async (options: Partial<ImportOptions>) => {
      const [first] = await (await setup(yolo(), options)).run();
      return first?.[0]?.[1];
    };
    expect(await best({})).toBeCloseTo(1.2, 1);
    expect(await best({ activation: 'sigmoid' })).toBeCloseTo(1 / (1 + Math.exp(-1.2)), 1);
    await expect(best({ activation: 'softmax' })).rejects.toThrow('--activation none or sigmoid');
  });

  it('decodes the raw grids of YOLOX', async () => {
    const { builder, finish } = net();
    const rows = plantedRows(CELLS, 3, (_, scores) => [0.25, 0.5, -0.5, 0.25, 1, ...scores]);
    const { manifest, run } = await setup(
      finish({ output: [table(builder, rows), 'float32', [1, CELLS, 8]] }),
    );
    expect(manifest).toMatchObject({ head: 'yolox', resize: { anchor: 'top-left' } });
    // Row 60 is cell (4, 7) of the grid of stride 8.
    const [width, height] = [8 * Math.exp(-0.5), 8 * Math.exp(0.25)];
    const [x, y] = [(4 + 0.25) * 8, (7 + 0.5) * 8];
    const [first] = await run();
    expectFound(
      first?.filter(([id]) => id === 1),
      [[1, 0.6, x - width / 2, y - height / 2, x + width / 2, y + height / 2]],
    );
  });

  it('reads SSD boxes in centre form, normalised, with a background class that it finds', async () => {
    const { builder, finish } = net();
    const boxes = plantedRows(90, 3, (box) => box.map((value) => value / SIDE));
    const scores = plantedRows(90, 3, (_, row) => [
      logit(1 - row.reduce((a, b) => a + b, 0) / 1.1),
      ...row.map(logit),
    ]);
    const model = finish({
      boxes: [table(builder, boxes), 'float32', [1, 90, 4]],
      scores: [builder.softmax(table(builder, scores), 2), 'float32', [1, 90, 4]],
    });
    const { manifest, notes, run } = await setup(model, { boxFormat: 'cxcywh', output: ['boxes', 'scores'] });
    expect(manifest).toMatchObject({ head: 'ssd', classes: 3, resize: { mode: 'stretch' } });
    expect(notes).toContain('background class: the first');
    const [first] = await run();
    expect(first?.map(([id]) => id)).toEqual([2, 0, 1]);
    expect(first?.[0]?.slice(2).map(Math.round)).toEqual([15, 18, 25, 30]);
  });

  it('asks what the numbers of an SSD box mean, and refuses an answer that they contradict', async () => {
    const { builder, finish } = net();
    const boxes = plantedRows(90, 3, (box) => box.map((value) => value / SIDE));
    const scores = plantedRows(90, 3, (_, row) => row);
    const model = finish({
      boxes: [table(builder, boxes), 'float32', [1, 90, 4]],
      scores: [table(builder, scores), 'float32', [1, 90, 3]],
    });
    await expect(setup(model)).rejects.toMatchObject({ flag: '--box-format' });
    await expect(setup(model, { boxFormat: 'xyxy' })).rejects.toThrow('do not fit --box-format xyxy');
  });

  it('reads rows of a model that suppresses itself, finding which column is the score', async () => {
    const { builder, finish } = net();
    const corners = found.map(([id = 0, score = 0, ...box]) => [...box, score, id]);
    const rows = [...corners, ...Array.from({ length: 5 }, () => [0, 0, 0, 0, 0, 0])];
    const moved = table(builder, rows);
    const output = builder.concat(
      [builder.slice(moved, 2, 0, 5), builder.round(builder.slice(moved, 2, 5, 6))],
      2,
    );
    const { manifest, run } = await setup(finish({ output0: [output, 'float32', [1, 8, 6]] }), {
      resize: 'letterbox',
    });
    expect(manifest).toMatchObject({ head: 'end-to-end' });
    for (const picture of await run()) expectFound(picture);
  });

  it('reads boxes, scores, classes and a count apart, y before x and classes from 1 as TensorFlow counts', async () => {
    const { builder, finish } = net();
    const yx = found.map(([, , x1 = 0, y1 = 0, x2 = 0, y2 = 0]) =>
      [y1, x1, y2, x2].map((value) => value / SIDE),
    );
    const rows = [...yx, [0, 0, 1, 1]];
    const boxes = table(builder, rows);
    const scores = builder.reshape(
      table(builder, [...found.map(([, score = 0]) => [score]), [0.99]]),
      [1, 4],
    );
    const ids = builder.floats([3, 1, 2, 1], [1, 4]);
    const model = finish({
      detection_boxes: [boxes, 'float32', [1, 4, 4]],
      detection_scores: [scores, 'float32', [1, 4]],
      detection_classes: [ids, 'float32', [1, 4]],
      num_detections: [builder.floats([3]), 'float32', [1]],
    });
    const { manifest, run } = await setup(model, { resize: 'stretch' });
    expect(manifest).toMatchObject({ head: 'end-to-end', graphs: [{ input: { batch: 1 } }] });
    const [picture] = builtInPictures({ height: SIDE, width: SIDE });
    const [rowsFound] = await run(picture === undefined ? [] : [picture]);
    expectFound(rowsFound);
  });

  it('tells boxes, ids and scores without names by their types, and scores that are the fifth number of a box', async () => {
    for (const isJoined of [false, true]) {
      const { builder, finish } = net();
      const boxes = table(
        builder,
        found.map((row) => row.slice(2)),
      );
      const scores = table(
        builder,
        found.map(([, score = 0]) => [score]),
      );
      const ids = builder.ints(
        found.map(([id = 0]) => id),
        [1, 3],
      );
      const model = isJoined
        ? finish({
            '70': [builder.concat([boxes, scores], 2), 'float32', [1, 3, 5]],
            '71': [ids, 'int64', [1, 3]],
          })
        : finish({
            '70': [boxes, 'float32', [1, 3, 4]],
            '71': [ids, 'int64', [1, 3]],
            '72': [builder.reshape(scores, [1, 3]), 'float32', [1, 3]],
          });
      const { manifest, run } = await setup(model, { resize: 'stretch' });
      expect(manifest.head).toBe('end-to-end');
      const [picture] = builtInPictures({ height: SIDE, width: SIDE });
      const [rows] = await run(picture === undefined ? [] : [picture]);
      expectFound(rows);
    }
  });

  it('reads DETR, logits and boxes apart or in one, and suppresses nothing of it', async () => {
    // Two answers on nearly the same place are two things.
    const queries = [
      { id: 2, score: 0.9, box: [20, 24, 10, 12] },
      { id: 2, score: 0.8, box: [20.5, 24, 10, 12] },
      ...Array.from({ length: 19 }, (_, i) => ({ id: 1, score: 0.02, box: [10 + 2 * i, 30, 8, 8] })),
    ];
    const expected = [
      [2, 0.9, 15, 18, 25, 30],
      [2, 0.8, 15.5, 18, 25.5, 30],
    ];
    const parts = (box: readonly number[]) => box.map((value) => value / SIDE);
    const scoresOf = (id: number, score: number) => [0, 1, 2].map((c) => (c === id ? score : 0.01));
    const apart = (activation: 'softmax' | 'sigmoid') => {
      const { builder, finish } = net();
      const logits = queries.map(({ id, score }) => {
        const scores = scoresOf(id, score);
        const rest = 1 - scores.reduce((a, b) => a + b);
        return activation === 'softmax' ? [...scores, rest].map(Math.log) : scores.map(logit);
      });
      const boxes = queries.map(({ box }) => parts(box));
      return finish({
        logits: [table(builder, logits), 'float32', [1, 21, logits[0]?.length ?? 0]],
        pred_boxes: [table(builder, boxes), 'float32', [1, 21, 4]],
      });
    };
    await expect(setup(apart('softmax'))).rejects.toMatchObject({ flag: '--activation' });
    const joined = net();
    joined.model.metadata_props = [metadata('names', "{0: 'cat', 1: 'dog', 2: 'tie'}")];
    const rows = queries.map(({ id, score, box }) => [...parts(box), ...scoresOf(id, score)]);
    const output = table(joined.builder, rows);
    for (const [model, options] of [
      [apart('softmax'), { activation: 'softmax' }],
      [apart('sigmoid'), { activation: 'sigmoid' }],
      [joined.finish({ output0: [output, 'float32', [1, 21, 7]] }), {}],
    ] as const) {
      const { manifest, run } = await setup(model, options);
      expect(manifest).toMatchObject({ head: 'detr', classes: 3, resize: { mode: 'stretch' } });
      for (const picture of await run()) expectFound(picture, expected);
    }
  });

  it('settles inputs that tell the size or the scale of the picture, and leaves out those that nothing reads', async () => {
    const sized = (side: Parameters<typeof tensorInfo>, isOpen = false) => {
      const { model, builder, finish } = net();
      const rows = table(
        builder,
        found.map(([, score = 0, ...box]) => [...box.map((value) => value / SIDE), score]),
      );
      const four = builder.concat([builder.cast(side[0], 'float32'), builder.cast(side[0], 'float32')], 1);
      const boxes = builder.product(builder.slice(rows, 2, 0, 4), builder.unsqueeze(four, 1));
      const ids = builder.floats(
        found.map(([id = 0]) => id),
        [1, 3, 1],
      );
      const out = builder.concat([boxes, builder.slice(rows, 2, 4, 5), ids], 2);
      const made = finish({ rows: [out, 'float32', [1, 3, 6]] });
      const size = isOpen ? 'any' : SIDE;
      model.graph.input = [
        tensorInfo('x', 'float32', [1, 3, size, size]),
        tensorInfo(...side),
        tensorInfo('unread', 'float32', [1]),
      ];
      return made;
    };
    const target = ['orig_target_sizes', 'int64', ['N', 2]] as const;
    const { notes, run } = await setup(sized([...target]), { resize: 'stretch' });
    expect(notes).toContain('input orig_target_sizes: always 64, 64 (width, height)');
    expect(notes).toContain('left out: input unread');
    for (const picture of await run()) expectFound(picture);
    await expect(setup(sized([...target], true))).rejects.toMatchObject({ flag: '--size' });
    await expect(setup(sized(['prompt', 'float32', ['N', 2]]))).rejects.toThrow('takes 2 inputs');
    const scale = await setup(sized(['scale_factor', 'float32', ['N', 2]]), {
      resize: 'stretch',
      boxUnits: 'normalised',
    });
    for (const picture of await scale.run()) expectFound(picture);
  });

  it('reads flat rows that say themselves which picture they are of, from a net with its own suppression', async () => {
    const { builder, finish } = net();
    const boxes = table(
      builder,
      plantedRows(90, 3, ([x = 0, y = 0, w = 0, h = 0]) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]),
    );
    const scores = table(
      builder,
      plantedRows(90, 3, (_, row) => row),
    );
    const byClass = builder.transpose(scores, [0, 2, 1]);
    const kept = builder.nonMaxSuppression(
      boxes,
      byClass,
      100,
      builder.floats([0.45]),
      builder.floats([0.3]),
    );
    const rows = builder.concat(
      [
        builder.cast(builder.pick(kept, [0], 1), 'float32'),
        builder.gatherNd(boxes, builder.pick(kept, [0, 2], 1)),
        builder.cast(builder.pick(kept, [1], 1), 'float32'),
        builder.unsqueeze(builder.gatherNd(byClass, kept), 1),
      ],
      1,
    );
    const { notes, manifest, run } = await setup(finish({ output: [rows, 'float32', ['n', 7]] }), {
      resize: 'letterbox',
    });
    expect(notes).toContain('columns: batch,x1,y1,x2,y2,class,score');
    expect(manifest.graphs[0]?.input.batch).toBe('dynamic');
    for (const picture of await run()) expectFound(picture);
  });

  /** As torchvision's detectors are exported: one picture without a batch, lists without one, labels from 1. */
  function withoutBatch(scores: readonly number[]): LoadedModel {
    const { model, builder, finish } = net();
    const batched = builder.unsqueeze('picture', 0);
    builder.called(batched, 'x');
    const boxes = builder.reshape(
      table(
        builder,
        found.map((row) => row.slice(2)),
      ),
      [3, 4],
    );
    const listed = builder.reshape(
      table(
        builder,
        scores.map((score) => [score]),
      ),
      [3],
    );
    const made = finish({
      boxes: [boxes, 'float32', ['n', 4]],
      scores: [listed, 'float32', ['n']],
      labels: [builder.ints(found.map(([classId = 0]) => classId + 1)), 'int64', ['n']],
    });
    model.graph.input = [tensorInfo('picture', 'float32', [3, SIDE, SIDE])];
    return made;
  }

  it('takes a net that is given one picture without a batch, and keeps it at one', async () => {
    const model = withoutBatch(found.map(([, score = 0]) => score));
    const { manifest, notes, run } = await setup(model, {
      resize: 'stretch',
      firstClass: 1,
      input: 'picture',
    });
    expect(notes).toContain('picture is one picture without a batch');
    expect(manifest).toMatchObject({ head: 'end-to-end', graphs: [{ input: { batch: 1, height: SIDE } }] });
    for (const picture of builtInPictures({ height: SIDE, width: SIDE }))
      expectFound((await run([picture]))[0]);
  });

  it('frees no batch on the evidence of pictures in which nothing was detected', async () => {
    // Equal scores leave no threshold between them.
    const { manifest, notes } = await setup(withoutBatch([0, 0, 0]), { resize: 'stretch', firstClass: 1 });
    expect(notes).toContain('batch: 1 only');
    expect(manifest.graphs[0]?.input.batch).toBe(1);
  });

  it('refuses grids whose anchors are not in the file, and says how to export them', async () => {
    const grids = (shape: (side: number) => number[]) => {
      const { builder, finish } = net();
      const grid = (side: number) => {
        const dims = shape(side);
        const count = dims.reduce((product, size) => product * size, 1);
        const rows = Array.from({ length: count / 8 }, () => [0, 0, 0, 0, 0, 0, 0, 0]);
        return [builder.reshape(table(builder, rows), dims), 'float32', dims] as const;
      };
      return finish({ p3: grid(8), p4: grid(4), p5: grid(2) });
    };
    await expect(setup(grids((side) => [1, 3, side, side, 8]))).rejects.toThrow(
      /not decoded.*without --train/,
    );
    await expect(setup(grids((side) => [1, 24, side, side]))).rejects.toThrow(/not decoded.*without --train/);
  });

  it('takes bytes with channels last of any size, once told the size', async () => {
    const { builder, finish } = net();
    const floats = builder.product(builder.cast('x', 'float32'), builder.floats([1 / 255]));
    const pooled = builder.add('AveragePool', [builder.transpose(floats, [0, 3, 1, 2])], {
      kernel_shape: [8, 8],
      strides: [8, 8],
    });
    const faint = builder.add('ReduceMean', [builder.product(pooled, builder.floats([1e-4]))], {
      axes: [1, 2, 3],
      keepdims: 0,
    });
    const rows = found.map(([id = 0, score = 0, ...box]) => [...box, score, id]);
    const table6 = builder.floats(rows.flat(), [1, 3, 6]);
    const moved = builder.sum(
      table6,
      builder.product(
        builder.unsqueeze(builder.unsqueeze(faint, 1), 2),
        builder.floats([1, 1, 1, 1, 1, 0], [1, 1, 6]),
      ),
    );
    const model = finish({ output: [moved, 'float32', ['n', 3, 6]] });
    model.graph.input = [tensorInfo('x', 'uint8', ['n', 'h', 'w', 3])];
    await expect(setup(model, { scale: undefined, resize: 'stretch' })).rejects.toMatchObject({
      flag: '--size',
    });
    const options = { scale: undefined, resize: 'stretch', size: { height: SIDE, width: SIDE } } as const;
    const { manifest, run } = await setup(model, options);
    expect(manifest.graphs[0]?.input).toMatchObject({ batch: 'dynamic', height: SIDE, width: SIDE });
    for (const picture of await run()) expectFound(picture);
  });

  it('asks for the range of the input rather than guess it', async () => {
    const { builder, finish } = net();
    const rows = plantedRows(CELLS, 3, (box, scores) => [...box, 1, ...scores]);
    const model = finish({ output: [table(builder, rows), 'float32', [1, CELLS, 8]] });
    await expect(setup(model, { scale: undefined })).rejects.toMatchObject({ flag: '--scale' });
  });
});
