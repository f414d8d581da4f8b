/**
 * Reads a detector's outputs in the graph: boxes as corners in pixels of the model's input, scores one column a class.
 * The plain twin in reference/detection-heads.ts says the same in loops; the two must agree on every model imported.
 */
import type { GraphBuilder, Value } from '../graph-builder.ts';
import {
  type BoxFormat,
  type DetectionPlan,
  type GridPlan,
  gridCells,
  type SsdPlan,
} from './detection-plan.ts';

/** Float [batch, n, 4] corners in pixels, and float [batch, n, classes]. */
export interface Candidates {
  readonly boxes: Value;
  readonly scores: Value;
}

export function decodeGrid(builder: GraphBuilder, plan: GridPlan): Candidates {
  const raw = builder.cast(plan.output, 'float32');
  const table = plan.transposed ? builder.transpose(raw, [0, 2, 1]) : raw;
  const hasObjectness = plan.head !== 'yolov8';
  const first = hasObjectness ? 5 : 4;
  const squash = (value: Value) => (plan.activation === 'sigmoid' ? builder.sigmoid(value) : value);
  const classScores = squash(builder.slice(table, 2, first, first + plan.classes));
  const scores = hasObjectness
    ? builder.product(squash(builder.slice(table, 2, 4, 5)), classScores)
    : classScores;
  const numbers = builder.slice(table, 2, 0, 4);
  const boxes = plan.strides === undefined ? numbers : fromGrid(builder, numbers, plan, plan.strides);
  return { boxes: toCorners(builder, boxes, plan), scores };
}

/** Centre = (offset + cell) × stride; size = e^offset × stride. */
function fromGrid(builder: GraphBuilder, numbers: Value, plan: GridPlan, strides: readonly number[]): Value {
  const cells = gridCells(plan.height, plan.width, strides);
  const corners = builder.floats(
    cells.flatMap((cell) => cell.slice(0, 2)),
    [1, cells.length, 2],
  );
  const pitch = builder.floats(
    cells.map(([, , stride]) => stride),
    [1, cells.length, 1],
  );
  const centre = builder.product(builder.sum(builder.slice(numbers, 2, 0, 2), corners), pitch);
  const size = builder.product(builder.add('Exp', [builder.slice(numbers, 2, 2, 4)]), pitch);
  return builder.concat([centre, size], 2);
}

export function decodeSsd(builder: GraphBuilder, plan: SsdPlan): Candidates {
  const raw = builder.cast(plan.scores, 'float32');
  let scores = plan.scoresTransposed ? builder.transpose(raw, [0, 2, 1]) : raw;
  if (plan.activation === 'softmax') scores = builder.softmax(scores, 2);
  if (plan.activation === 'sigmoid') scores = builder.sigmoid(scores);
  if (plan.background === 0) scores = builder.slice(scores, 2, 1, plan.classes + 1);
  else if (plan.background !== undefined) scores = builder.slice(scores, 2, 0, plan.classes);
  return { boxes: toCorners(builder, builder.cast(plan.boxes, 'float32'), plan), scores };
}

/** Any [batch, n, 4] in the plan's form and units as corners in pixels. */
export function toCorners(builder: GraphBuilder, boxes: Value, plan: DetectionPlan): Value {
  const corners = cornersOf(builder, boxes, plan.format);
  if (plan.units === 'pixels') return corners;
  return builder.product(corners, builder.floats([plan.width, plan.height, plan.width, plan.height]));
}

function cornersOf(builder: GraphBuilder, boxes: Value, format: BoxFormat): Value {
  if (format === 'xyxy') return boxes;
  if (format === 'yxyx') return builder.pick(boxes, [1, 0, 3, 2], 2);
  const [place, size] = [builder.slice(boxes, 2, 0, 2), builder.slice(boxes, 2, 2, 4)];
  if (format === 'xywh') return builder.concat([place, builder.sum(place, size)], 2);
  const half = builder.product(size, builder.floats([0.5]));
  return builder.concat([builder.difference(place, half), builder.sum(place, half)], 2);
}
