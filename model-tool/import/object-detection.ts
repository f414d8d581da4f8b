/**
 * Turns a detector into `detections`: float32 rows of batch index, class, score, x1, y1, x2, y2, best first. The rows
 * of all pictures of a batch stand in one list, since each picture has its own number of them.
 */
import { GraphBuilder, tensorInfo, type Value } from '../graph-builder.ts';
import type { LoadedModel } from '../onnx/model-file.ts';
import { type Candidates, decodeGrid, decodeSsd, toCorners } from './detection-heads.ts';
import { type DetectionPlan, type ListsPlan, MOST_PER_CLASS, type RowsPlan } from './detection-plan.ts';

export const DETECTIONS = 'detections';
export const SCORE_THRESHOLD = 'score_threshold';
export const IOU_THRESHOLD = 'iou_threshold';

export function foldObjectDetection(model: LoadedModel, plan: DetectionPlan): void {
  const builder = new GraphBuilder(model, 'output');
  const rows =
    plan.head === 'end-to-end'
      ? keepConfident(builder, plan)
      : suppress(builder, plan.head === 'ssd' ? decodeSsd(builder, plan) : decodeGrid(builder, plan), plan);
  builder.called(bestFirst(builder, rows), DETECTIONS);
  builder.append();
  model.graph.input.push(
    tensorInfo(SCORE_THRESHOLD, 'float32', [1]),
    tensorInfo(IOU_THRESHOLD, 'float32', [1]),
  );
  model.graph.output = [tensorInfo(DETECTIONS, 'float32', ['detections', 7])];
}

/**
 * Non-maximum suppression class by class. In the YOLO family a box has one class, its best; in SSD a box may be
 * reported for several.
 */
function suppress(builder: GraphBuilder, { boxes, scores }: Candidates, plan: DetectionPlan): Value {
  const judged = plan.head === 'ssd' ? scores : bestClassOnly(builder, scores, plan.classes);
  const byClass = builder.transpose(judged, [0, 2, 1]);
  const overlap = plan.isSet ? builder.floats([1]) : IOU_THRESHOLD;
  const kept = builder.nonMaxSuppression(boxes, byClass, MOST_PER_CLASS, overlap, SCORE_THRESHOLD);
  return builder.concat(
    [
      builder.cast(builder.slice(kept, 1, 0, 2), 'float32'),
      builder.unsqueeze(builder.gatherNd(byClass, kept), 1),
      builder.gatherNd(boxes, builder.pick(kept, [0, 2], 1)),
    ],
    1,
  );
}

/** Below every threshold wherever another class is better; of equals the first stays. */
function bestClassOnly(builder: GraphBuilder, scores: Value, classes: number): Value {
  if (classes === 1) return scores;
  const best = builder.add('ArgMax', [scores], { axis: 2, keepdims: 1 });
  const ids = builder.ints(
    Array.from({ length: classes }, (_, id) => id),
    [1, 1, classes],
  );
  return builder.add('Where', [builder.add('Equal', [best, ids]), scores, builder.floats([-1])]);
}

/** A detector that has suppressed by itself only needs its rows filtered and put in order. */
function keepConfident(builder: GraphBuilder, plan: RowsPlan | ListsPlan): Value {
  const { boxes, scores, classIds, batch, meant } =
    plan.form === 'rows' ? fromRows(builder, plan) : fromLists(builder, plan);
  const confident = builder.add('Greater', [scores, SCORE_THRESHOLD]);
  const kept = meant === undefined ? confident : builder.add('And', [confident, meant]);
  const places = builder.transpose(builder.add('NonZero', [kept]), [1, 0]);
  const column = (value: Value) => builder.unsqueeze(builder.gatherNd(value, places), 1);
  const index = batch === undefined ? builder.cast(builder.pick(places, [0], 1), 'float32') : column(batch);
  const ids =
    plan.firstClass === 0 ? classIds : builder.difference(classIds, builder.floats([plan.firstClass]));
  return builder.concat([index, column(ids), column(scores), builder.gatherNd(boxes, places)], 1);
}

/** Boxes [b, n, 4]; the others [b, n]. `batch` where the rows say themselves which picture they are of. */
interface Finished {
  readonly boxes: Value;
  readonly scores: Value;
  readonly classIds: Value;
  readonly batch?: Value;
  /** True for the rows that are no padding. */
  readonly meant?: Value;
}

function fromRows(builder: GraphBuilder, plan: RowsPlan): Finished {
  const raw = builder.cast(plan.output, 'float32');
  const table = plan.hasBatchAxis ? raw : builder.unsqueeze(raw, 0);
  const column = (name: RowsPlan['columns'][number]) =>
    builder.add('Gather', [table, builder.ints([plan.columns.indexOf(name)], [])], { axis: 2 });
  const corners = (['x1', 'y1', 'x2', 'y2'] as const).map((name) => plan.columns.indexOf(name));
  return {
    boxes: toCorners(builder, builder.pick(table, corners, 2), plan),
    scores: column('score'),
    classIds: column('class'),
    ...(plan.columns.includes('batch') ? { batch: column('batch') } : {}),
  };
}

function fromLists(builder: GraphBuilder, plan: ListsPlan): Finished {
  const floats = (name: string) => {
    const value = builder.cast(name, 'float32');
    return plan.hasBatchAxis ? value : builder.unsqueeze(value, 0);
  };
  const table = floats(plan.boxes);
  const isScored = plan.scores === plan.boxes;
  const scores = isScored ? builder.gather(table, builder.ints([4], []), 2) : floats(plan.scores);
  const found = {
    boxes: toCorners(builder, isScored ? builder.slice(table, 2, 0, 4) : table, plan),
    scores,
    classIds: floats(plan.classIds),
  };
  if (plan.count === undefined) return found;
  const rows = builder.gather(builder.shape(scores), builder.ints([1], []), 0);
  const places = builder.add('Range', [builder.ints([0], []), rows, builder.ints([1], [])]);
  const count = builder.reshape(builder.cast(plan.count, 'int64'), [-1, 1]);
  return { ...found, meant: builder.add('Less', [places, count]) };
}

function bestFirst(builder: GraphBuilder, rows: Value): Value {
  const scores = builder.reshape(builder.slice(rows, 1, 2, 3), [-1]);
  const { indices } = builder.topK(scores, builder.shape(scores));
  return builder.gather(rows, indices, 0);
}
