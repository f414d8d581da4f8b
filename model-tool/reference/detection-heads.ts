/** Plain loops for reading a detector's outputs: the twin of what import/detection-heads.ts writes into the graph. */
import {
  type DetectionPlan,
  type GridPlan,
  gridCells,
  type ListsPlan,
  type RowsPlan,
  type SsdPlan,
} from '../import/detection-plan.ts';
import type { NumberTensor } from '../runtime/runtime.ts';
import { activated } from './classification.ts';

export type Box = [x1: number, y1: number, x2: number, y2: number];

/** One thing that may be there, with all its scores, or with the one that an end-to-end model gave. */
export interface Candidate {
  readonly box: Box;
  readonly scores: readonly { readonly classId: number; readonly score: number }[];
}

/** Rows of picture `index` of a batch. */
export function candidatesOf(
  plan: DetectionPlan,
  outputs: Readonly<Record<string, NumberTensor>>,
  index: number,
): Candidate[] {
  const tensor = (name: string): NumberTensor => {
    const found = outputs[name];
    if (found === undefined) throw new RangeError(`There is no output ${name}.`);
    return found;
  };
  if (plan.head === 'ssd') return fromSsd(plan, tensor(plan.boxes), tensor(plan.scores), index);
  if (plan.head !== 'end-to-end') return fromGrid(plan, tensor(plan.output), index);
  return plan.form === 'rows' ? fromRows(plan, tensor(plan.output), index) : fromLists(plan, tensor, index);
}

function fromGrid(plan: GridPlan, { data, dims }: NumberTensor, index: number): Candidate[] {
  const width = (plan.transposed ? dims[1] : dims[2]) ?? 0;
  const at = (row: number, value: number) =>
    data[index * plan.rows * width + (plan.transposed ? value * plan.rows + row : row * width + value)] ?? 0;
  const squash = (value: number) => (plan.activation === 'sigmoid' ? 1 / (1 + Math.exp(-value)) : value);
  const first = plan.head === 'yolov8' ? 4 : 5;
  const cells = plan.strides === undefined ? [] : gridCells(plan.height, plan.width, plan.strides);
  return Array.from({ length: plan.rows }, (_, row) => {
    const objectness = first === 4 ? 1 : squash(at(row, 4));
    const scores = Array.from({ length: plan.classes }, (_, c) => objectness * squash(at(row, first + c)));
    const best = scores.reduce((top, score, c) => (score > (scores[top] ?? 0) ? c : top), 0);
    let numbers = [at(row, 0), at(row, 1), at(row, 2), at(row, 3)];
    const cell = cells[row];
    if (cell !== undefined) {
      const [x, y, stride] = cell;
      const [dx = 0, dy = 0, dw = 0, dh = 0] = numbers;
      numbers = [(dx + x) * stride, (dy + y) * stride, Math.exp(dw) * stride, Math.exp(dh) * stride];
    }
    return { box: corners(numbers, plan), scores: [{ classId: best, score: scores[best] ?? 0 }] };
  });
}

function fromSsd(plan: SsdPlan, boxes: NumberTensor, scores: NumberTensor, index: number): Candidate[] {
  const rows = boxes.dims[1] ?? 0;
  const columns = plan.classes + (plan.background === undefined ? 0 : 1);
  return Array.from({ length: rows }, (_, row) => {
    const raw = Array.from(
      { length: columns },
      (_, c) =>
        scores.data[index * rows * columns + (plan.scoresTransposed ? c * rows + row : row * columns + c)] ??
        0,
    );
    const kept = activated(raw, plan.activation).filter((_, c) => c !== plan.background);
    const start = (index * rows + row) * 4;
    return {
      box: corners([...boxes.data.subarray(start, start + 4)], plan),
      scores: kept.map((score, classId) => ({ classId, score })),
    };
  });
}

function fromRows(plan: RowsPlan, { data, dims }: NumberTensor, index: number): Candidate[] {
  const width = plan.columns.length;
  const rows = dims.at(-2) ?? 0;
  const start = plan.hasBatchAxis ? index * rows : 0;
  const found: Candidate[] = [];
  for (let row = start; row < start + rows; row += 1) {
    const value = (name: RowsPlan['columns'][number]) => data[row * width + plan.columns.indexOf(name)] ?? 0;
    if (plan.columns.includes('batch') && value('batch') !== index) continue;
    const box = corners([value('x1'), value('y1'), value('x2'), value('y2')], plan);
    found.push({ box, scores: [{ classId: value('class') - plan.firstClass, score: value('score') }] });
  }
  return found;
}

function fromLists(plan: ListsPlan, tensor: (name: string) => NumberTensor, index: number): Candidate[] {
  const [boxes, scores, classIds] = [tensor(plan.boxes), tensor(plan.scores), tensor(plan.classIds)];
  const isScored = plan.scores === plan.boxes;
  const width = isScored ? 5 : 4;
  const rows = classIds.dims.at(-1) ?? 0;
  const meant = plan.count === undefined ? rows : (tensor(plan.count).data[index] ?? 0);
  return Array.from({ length: Math.min(rows, meant) }, (_, i) => {
    const row = (plan.hasBatchAxis ? index * rows : 0) + i;
    return {
      box: corners([...boxes.data.subarray(row * width, row * width + 4)], plan),
      scores: [
        {
          classId: (classIds.data[row] ?? 0) - plan.firstClass,
          score: (isScored ? boxes.data[row * width + 4] : scores.data[row]) ?? 0,
        },
      ],
    };
  });
}

function corners([a = 0, b = 0, c = 0, d = 0]: number[], plan: DetectionPlan): Box {
  const [sx, sy] = plan.units === 'normalised' ? [plan.width, plan.height] : [1, 1];
  const forms: Record<DetectionPlan['format'], Box> = {
    xyxy: [a, b, c, d],
    yxyx: [b, a, d, c],
    xywh: [a, b, a + c, b + d],
    cxcywh: [a - c / 2, b - d / 2, a + c / 2, b + d / 2],
  };
  const [x1, y1, x2, y2] = forms[plan.format];
  return [x1 * sx, y1 * sy, x2 * sx, y2 * sy];
}
