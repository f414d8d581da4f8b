/**
 * Recognises a detection head by the shapes of what it gave, and settles how to read it. Shapes tell the family; the
 * numbers tell the units and whether scores are probabilities; the meaning of four numbers that make a box is asked
 * for wherever the family does not fix it.
 */
import { Refusal } from '../refusal.ts';
import type { NumberTensor } from '../runtime/runtime.ts';
import type { Outputs } from './baseline.ts';
import { type BoxUnits, type DetectionPlan, type GridPlan, gridCells, type Head } from './detection-plan.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { planEndToEnd } from './plan-end-to-end.ts';
import { planSsd } from './plan-ssd.ts';
import type { Subject } from './subject.ts';

/** Strides of the grids of this family, for usual and for large pictures. */
const pyramids = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [16, 32],
] as const;
const ANCHORS = 3;

/** YOLOv5 and v7: [batch, anchors, rows, columns, 5 + classes]; v3 and v4: [batch, anchors × (5 + classes), rows, columns]. */
function isAnchorGrid(dims: readonly number[]): boolean {
  const [, second = 0, , , last = 0] = dims;
  if (dims.length === 5) return second === ANCHORS && last > 5;
  return dims.length === 4 && second % ANCHORS === 0 && second / ANCHORS > 5;
}

const cellsOf = ({ height, width }: PictureSize, strides: readonly number[]) =>
  gridCells(height, width, strides).length;

/** @throws Refusal where the shapes fit no family that is known here */
export function headForm(outputs: Outputs, size: PictureSize, batch: number, options: ImportOptions): Head {
  if (options.head !== undefined) return options.head;
  const tensors = Object.values(outputs);
  if (tensors.every(({ dims }) => isAnchorGrid(dims))) {
    throw new Refusal(
      `The outputs (${shapes(outputs)}) are grids that were not decoded, and the anchors that their boxes are offsets from are not in the file. Export the model with its decoding, so that it gives one tensor [batch, rows, 5 + classes] (YOLOv5: export.py without --train; YOLOv7: --grid), or name such an output with --output.`,
      { flag: '--output' },
    );
  }
  const hasBoxes = tensors.some(({ dims }) => dims.length === 3 && dims[2] === 4);
  if (tensors.length === 2 && hasBoxes && tensors.every(({ dims }) => dims.length === 3)) return 'ssd';
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
  if ((dims.length === 3 || dims.length === 2) && (dims.at(-1) === 6 || dims.at(-1) === 7))
    return 'end-to-end';
  throw new Refusal(
    `The outputs (${shapes(outputs)}) fit no detection head that is recognised. Say --head yolox, yolov5, yolov8, ssd or end-to-end; where the model has outputs beside its boxes, name those to read with --output.`,
    { flag: '--head' },
  );
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
  if (head === 'ssd') return planSsd(runs, size, options, note);
  if (head === 'end-to-end') return planEndToEnd(runs, size, subject, options, note);
  return planGrid(head, runs, size, subject, options, note);
}

function planGrid(
  head: GridPlan['head'],
  runs: readonly Outputs[],
  size: PictureSize,
  subject: Subject,
  options: ImportOptions,
  note: Note,
): GridPlan {
  const [output = '', tensor] = Object.entries(runs[0] ?? {}).find(([, { dims }]) => dims.length === 3) ?? [];
  if (tensor === undefined)
    throw new Refusal(`A ${head} head is one tensor of three dimensions; there is none.`);
  const [, second = 0, third = 0] = tensor.dims;
  const transposed = head === 'yolov8' && second < third;
  const [rows, values] = transposed ? [third, second] : [second, third];
  const first = head === 'yolov8' ? 4 : 5;
  const all = runs.map((run) => run[output]).filter((run) => run !== undefined);
  const column = (index: number) => all.flatMap((run) => columnOf(run, rows, values, index, transposed));
  const classes = classCount(values - first, subject, options, note);
  const raw = head === 'yolox' && [2, 3].some((index) => column(index).some((value) => value < 0));
  const strides = pyramids.find((pyramid) => cellsOf(size, pyramid) === rows);
  if (raw && strides === undefined) {
    throw new Refusal(
      `${rows} rows do not fit the grids of a ${size.height}×${size.width} picture; is --size right?`,
    );
  }
  if (head === 'yolox')
    note(
      raw
        ? `boxes: raw, decoded on grids of strides ${strides?.join(', ')}.`
        : 'boxes: decoded in the model already.',
    );
  const probabilities = Array.from({ length: values - first + 1 }, (_, i) =>
    column(first === 5 || i > 0 ? first - 1 + i : first),
  ).flat();
  const activation = probabilities.some((value) => value < -1e-3 || value > 1.001) ? 'sigmoid' : 'none';
  note(`scores: ${activation === 'none' ? 'probabilities already' : 'logits, so sigmoid'}.`);
  const units = raw ? 'pixels' : unitsOf(column(2).concat(column(3)), options, note);
  const common = { head, output, rows, transposed, classes, activation, units, ...size } as const;
  const plan = { ...common, format: options.boxFormat ?? 'cxcywh' } as const;
  return raw && strides !== undefined ? { ...plan, strides } : plan;
}

function columnOf(
  { data }: NumberTensor,
  rows: number,
  values: number,
  index: number,
  transposed: boolean,
): number[] {
  return Array.from(
    { length: rows },
    (_, row) => data[transposed ? index * rows + row : row * values + index] ?? 0,
  );
}

/** Heads that also give masks or key points have more columns than classes; the labels then tell how many are. */
function classCount(columns: number, subject: Subject, options: ImportOptions, note: Note): number {
  const named = subject.metadata.names?.match(/\d+"?\s*:/g)?.length;
  if (named !== undefined && named < columns && options.labels === undefined) {
    note(
      `classes: ${named} by the metadata; ${columns - named} further columns are no classes and left out.`,
    );
    return named;
  }
  note(`classes: ${columns}.`);
  return columns;
}

/** Numbers beyond 2 cannot be parts of the whole. */
export function unitsOf(numbers: readonly number[], options: ImportOptions, note: Note): BoxUnits {
  if (options.boxUnits !== undefined) return options.boxUnits;
  const largest = numbers.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  const units = largest > 2 ? 'pixels' : 'normalised';
  note(`box units: ${units}, since the largest number is ${largest.toFixed(2)}.`);
  return units;
}
