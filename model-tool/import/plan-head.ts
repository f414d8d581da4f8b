/**
 * Recognises a detection head by the shapes of what it gave, and settles how to read it. Shapes tell the family; the
 * numbers tell the units and whether scores are probabilities; the meaning of four numbers that make a box is asked
 * for wherever the family does not fix it.
 */
import { Refusal } from '../refusal.ts';
import type { Outputs } from './baseline.ts';
import type { BoxUnits, DetectionPlan, Head } from './detection-plan.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { planEndToEnd } from './plan-end-to-end.ts';
import { cellsOf, planGrid, pyramids } from './plan-grid.ts';
import { planSsd } from './plan-ssd.ts';
import type { Subject } from './subject.ts';

const ANCHORS = 3;

/** YOLOv5 and v7: [batch, anchors, rows, columns, 5 + classes]; v3 and v4: [batch, anchors × (5 + classes), rows, columns]. */
function isAnchorGrid(dims: readonly number[]): boolean {
  const [, second = 0, , , last = 0] = dims;
  if (dims.length === 5) return second === ANCHORS && last > 5;
  return dims.length === 4 && second % ANCHORS === 0 && second / ANCHORS > 5;
}

/** @throws Refusal where the shapes fit no family that is known here */
export function headForm(
  outputs: Outputs,
  size: PictureSize,
  { batch = 1, metadata }: Subject,
  options: ImportOptions,
): Head {
  if (options.head !== undefined) return options.head;
  const tensors = Object.values(outputs);
  if (tensors.every(({ dims }) => isAnchorGrid(dims))) {
    throw new Refusal(
      `The outputs (${shapes(outputs)}) are grids that were not decoded, and the anchors that their boxes are offsets from are not in the file. Export the model with its decoding, so that it gives one tensor [batch, rows, 5 + classes] (YOLOv5: export.py without --train; YOLOv7: --grid), or name such an output with --output.`,
      { flag: '--output' },
    );
  }
  const hasBoxes = tensors.some(({ dims }) => dims.length === 3 && dims[2] === 4);
  if (tensors.length === 2 && hasBoxes && tensors.every(({ dims }) => dims.length === 3)) {
    return Object.keys(outputs).some((name) => /logits/i.test(name)) && areQueries(outputs) ? 'detr' : 'ssd';
  }
  const isScored =
    tensors.some(({ dims }) => dims.at(-1) === 5) && tensors.some(({ type }) => /int/.test(type));
  if (tensors.length === 2 && isScored) return 'end-to-end';
  if (tensors.length >= 3 && tensors.some(({ dims }) => dims.at(-1) === 4)) return 'end-to-end';
  const dims = tensors.find((tensor) => tensor.dims.length === 3 || tensor.dims.length === 2)?.dims ?? [];
  const [, second = 0, third = 0] = dims;
  if (dims.length === 3 && dims[0] === batch) {
    for (const strides of pyramids) {
      const cells = cellsOf(size, strides);
      if (second === cells && third > 5) return 'yolox';
      if (second === cells * ANCHORS && third > 5) return 'yolov5';
      if (third === cells && second > 4) return 'yolov8';
    }
  }
  const isNamed = third - 4 === metadata.names?.match(/\d+"?\s*:/g)?.length;
  const isRow = third === 6 || third === 7;
  if (tensors.length === 1 && dims.length === 3 && (isNamed || (third > 4 && !isRow)) && areQueries(outputs))
    return 'detr';
  if ((dims.length === 3 || dims.length === 2) && (dims.at(-1) === 6 || dims.at(-1) === 7))
    return 'end-to-end';
  throw new Refusal(
    `The outputs (${shapes(outputs)}) fit no detection head that is recognised. Say --head yolox, yolov5, yolov8, ssd, detr or end-to-end; where the model has outputs beside its boxes, name those to read with --output.`,
    { flag: '--head' },
  );
}

const MOST_QUERIES = 1000;

/** What tells DETR from a grid: few boxes, each a part of the whole picture. */
function areQueries(outputs: Outputs): boolean {
  const tensors = Object.values(outputs);
  return tensors.some(({ dims: [, rows = 0, width = 0], data }) => {
    const isPart = (value: number, at: number) => at % width > 3 || (value >= -1e-3 && value <= 1.001);
    return (width === 4 || tensors.length === 1) && rows <= MOST_QUERIES && data.every(isPart);
  });
}

export const shapes = (outputs: Outputs): string =>
  Object.entries(outputs)
    .map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
    .join(', ');

/** @param runs outputs for several pictures */
export function planHead(
  head: Head,
  runs: readonly Outputs[],
  size: PictureSize,
  subject: Subject,
  options: ImportOptions,
  note: Note,
): DetectionPlan {
  const first = runs[0] ?? {};
  note(`head: ${head}, ${options.head === undefined ? `by the shapes of ${shapes(first)}` : 'as said'}.`);
  if (head === 'detr') {
    note('suppression: none, since DETR answers each thing once; or --head ssd, yolov8.');
    const isOne = Object.keys(first).length === 1;
    const plan = isOne
      ? planGrid('yolov8', runs, size, subject, options, note)
      : planSsd(runs, size, options, note, true);
    return { ...plan, isSet: true };
  }
  if (head === 'ssd') return planSsd(runs, size, options, note);
  if (head === 'end-to-end') return planEndToEnd(runs, size, subject, options, note);
  return planGrid(head, runs, size, subject, options, note);
}

/** Numbers beyond 2 cannot be parts of the whole. */
export function unitsOf(numbers: readonly number[], options: ImportOptions, note: Note): BoxUnits {
  if (options.boxUnits !== undefined) return options.boxUnits;
  const largest = numbers.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  const units = largest > 2 ? 'pixels' : 'normalised';
  note(`box units: ${units}, since the largest number is ${largest.toFixed(2)}.`);
  return units;
}
