/**
 * Settles how the one tensor of a YOLO head is to be read. Heads that also give masks, key points or angles carry them in
 * the columns after the classes: reading those as classes, or their numbers as a sign of logits, would give wrong scores
 * that look right.
 */
import { Refusal } from '../refusal.ts';
import type { NumberTensor } from '../runtime/runtime.ts';
import type { Outputs } from './baseline.ts';
import { type GridPlan, gridCells } from './detection-plan.ts';
import type { ImportOptions, Note, PictureSize } from './options.ts';
import { unitsOf } from './plan-head.ts';
import type { Subject } from './subject.ts';

/** Strides of the grids of this family, for usual and for large pictures. */
export const pyramids = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [16, 32],
] as const;

export const cellsOf = ({ height, width }: PictureSize, strides: readonly number[]): number =>
  gridCells(height, width, strides).length;

export function planGrid(
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
  const scores = Array.from({ length: values - first }, (_, c) => column(first + c));
  const classes = classCount(scores, subject, options, note);
  refuseRotated(values - first - classes, subject);
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
  const scored = [...(first === 5 ? [column(4)] : []), ...scores.slice(0, classes)];
  const activation = settleActivation(scored, options, note);
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

const isNegative = (value: number): boolean => value < -1e-3;
/** Coarse steps of a quantised score may end a little above 1. */
const isNoScore = (value: number): boolean => isNegative(value) || value > 1.5;

/** The exporter's own list of names is believed; without it the classes end where the numbers are no scores any more. */
function classCount(
  columns: readonly (readonly number[])[],
  { metadata }: Subject,
  { labels }: ImportOptions,
  note: Note,
): number {
  const all = columns.length;
  const named = labels === undefined ? metadata.names?.match(/\d+"?\s*:/g)?.length : undefined;
  const isNamed = named !== undefined && named <= all;
  const others = columns.findIndex((column) => column.some(isNoScore));
  const classes = isNamed ? named : others > 0 ? others : all;
  const source = isNamed ? ' by the metadata' : '';
  note(
    classes === all
      ? `classes: ${classes}.`
      : `classes: ${classes}${source}; ${all - classes} further columns are no classes and left out.`,
  );
  return classes;
}

/** One number after the classes is an angle, and a box without it is another box. */
function refuseRotated(further: number, { metadata }: Subject): void {
  if (metadata.task !== 'obb' && (further !== 1 || metadata.task !== undefined)) return;
  throw new Refusal(
    'The boxes of this model are rotated (an angle follows the scores of each); Outboard gives upright boxes only. Train and export the plain detection form of the model.',
  );
}

/** Scores are never negative, and of logits most are. */
function settleActivation(
  scored: readonly (readonly number[])[],
  { activation: asked }: ImportOptions,
  note: Note,
): GridPlan['activation'] {
  if (asked === 'softmax')
    throw new Refusal('The scores of a YOLO head stand each alone: say --activation none or sigmoid.', {
      flag: '--activation',
    });
  const activation = asked ?? (scored.flat().some(isNegative) ? 'sigmoid' : 'none');
  if (asked === undefined)
    note(`scores: ${activation === 'none' ? 'probabilities already' : 'logits, so sigmoid'}.`);
  return activation;
}
