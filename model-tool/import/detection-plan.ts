/**
 * What the tool must know of a detector to read its outputs. Two models can share every name and shape and mean
 * different boxes, so what is not seen in the numbers comes from a flag.
 */
import type { ManifestOf } from '../../shared/model.ts';

export type Head = ManifestOf<'object-detection'>['head'];

/** Corners; corner and size; centre and size; corners with y first. */
export type BoxFormat = 'xyxy' | 'xywh' | 'cxcywh' | 'yxyx';
export type BoxUnits = 'pixels' | 'normalised';

/** What one number of a row of an end-to-end detector means. */
export const columnNames = ['batch', 'x1', 'y1', 'x2', 'y2', 'score', 'class'] as const;
export type Column = (typeof columnNames)[number];

interface Common {
  readonly head: Head;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
  readonly format: BoxFormat;
  readonly units: BoxUnits;
  /** True of DETR: it was trained to answer each thing once, so nothing is suppressed. */
  readonly isSet?: boolean;
}

/** One tensor [batch, rows, values] of boxes and their scores. */
export interface GridPlan extends Common {
  readonly head: 'yolox' | 'yolov5' | 'yolov8';
  readonly output: string;
  readonly rows: number;
  /** True where the tensor is [batch, values, rows]. */
  readonly transposed: boolean;
  /** YOLOX as trained: offsets from grid cells of these strides. Absent where the model has decoded them. */
  readonly strides?: readonly number[];
  readonly activation: 'none' | 'sigmoid';
}

/** Boxes [batch, n, 4] and scores [batch, n, classes (and background)] apart. */
export interface SsdPlan extends Common {
  readonly head: 'ssd';
  readonly boxes: string;
  readonly scores: string;
  readonly scoresTransposed: boolean;
  /** Position of the "nothing here" class among the scores. */
  readonly background: number | undefined;
  readonly activation: 'none' | 'softmax' | 'sigmoid';
}

/** A detector that has already suppressed: one tensor of rows. */
export interface RowsPlan extends Common {
  readonly head: 'end-to-end';
  readonly form: 'rows';
  readonly output: string;
  readonly columns: readonly Column[];
  readonly hasBatchAxis: boolean;
  readonly firstClass: number;
}

/** The same with boxes, scores and classes apart, and perhaps the count of rows that are meant. */
export interface ListsPlan extends Common {
  readonly head: 'end-to-end';
  readonly form: 'lists';
  readonly boxes: string;
  /** The same as `boxes` where the score is the fifth number of a box (MMDetection). */
  readonly scores: string;
  readonly classIds: string;
  readonly count: string | undefined;
  readonly hasBatchAxis: boolean;
  readonly firstClass: number;
}

export type DetectionPlan = GridPlan | SsdPlan | RowsPlan | ListsPlan;

export const outputNames = (plan: DetectionPlan): string[] => {
  if (plan.head === 'ssd') return [plan.boxes, plan.scores];
  if (plan.head === 'end-to-end' && plan.form === 'lists') {
    const named = [plan.boxes, plan.scores, plan.classIds, ...(plan.count === undefined ? [] : [plan.count])];
    return [...new Set(named)];
  }
  return [plan.output];
};

/** Most detections of one class in one picture: what the authors of the YOLO family keep. */
export const MOST_PER_CLASS = 300;

/** Cells of the grids of the given strides over a picture, in the order of the model's rows. */
export function gridCells(
  height: number,
  width: number,
  strides: readonly number[],
): [x: number, y: number, stride: number][] {
  return strides.flatMap((stride) => {
    const [rows, columns] = [Math.floor(height / stride), Math.floor(width / stride)];
    return Array.from({ length: rows * columns }, (_, i): [number, number, number] => [
      i % columns,
      Math.floor(i / columns),
      stride,
    ]);
  });
}
