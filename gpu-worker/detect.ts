/** Object detection: the picture as the network's input, one run, and its boxes brought back to the picture's own pixels. */
import type { ParametersOf } from '../shared/parameters.ts';
import { drawBoxes } from './image/draw-boxes.ts';
import { type FittedImage, fitImage } from './image/fit.ts';
import type { Size } from './image/pixels.ts';
import type { DevicePool, Work } from './inference/device-pool.ts';
import type { PlainTensors } from './inference/session.ts';
import { inputSize, type LoadedModel, tensorLane } from './loaded-model.ts';
import { orAlone } from './or-alone.ts';
import type { Attempt, TaskResult } from './pipeline.ts';

/** In pixels of the upright picture; x and y are the top left corner. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Detection {
  readonly label: string;
  readonly class_id: number;
  readonly score: number;
  readonly box: Box;
}

export async function detect(
  attempt: Attempt,
  model: LoadedModel<'object-detection'>,
  parameters: ParametersOf['object-detection'],
  device: Pick<DevicePool, 'infer'>,
): Promise<TaskResult> {
  const { source, info, room, watch, context, turn } = attempt;
  const { labels, resize } = model.manifest;
  const fitted = await watch.time('decode_ms', () => fitImage(source, info, inputSize(model), resize));
  await context.progress.enter({ phase: 'running model', completed: 0, total: 1, unit: 'step' });
  const rows = await watch.time('compute_ms', () =>
    findRows(model, fitted.pixels, parameters, device, { turn, signal: context.signal }),
  );
  const detections = rows.flatMap(([classId = 0, score = 0, ...corners]): Detection[] => {
    const box = boxInPicture(corners, fitted, info);
    return box === undefined
      ? []
      : [{ label: labels?.[classId] ?? String(classId), class_id: classId, score, box }];
  });
  if (!parameters.annotated) return { pictures: {}, facts: { detections } };
  const { output_format: format, quality } = parameters;
  const drawn = await watch.time('encode_ms', () =>
    drawBoxes(source, info, detections, { format, quality }, room),
  );
  return { pictures: { annotated_image: { ...drawn, format } }, facts: { detections } };
}

interface Thresholds {
  readonly score_threshold: number;
  readonly iou_threshold: number;
}

/** Thresholds are inputs of the graph, so pictures with the same ones share a run. */
export function detectorLane(model: LoadedModel<'object-detection'>, thresholds: Thresholds) {
  const names = model.manifest.graphs[0]?.inputs;
  return tensorLane(model, {
    [names?.score_threshold ?? '']: thresholds.score_threshold,
    [names?.iou_threshold ?? '']: thresholds.iou_threshold,
  });
}

/** Values of a row of the graph's output: the picture's place in the batch, class, score, four corners. */
const ROW = 7;

/** Rows of class, score, x1, y1, x2, y2 in pixels of the input, best first. @param pixels RGB of the input size */
export async function findRows(
  model: LoadedModel<'object-detection'>,
  pixels: Uint8Array,
  thresholds: Thresholds,
  device: Pick<DevicePool, 'infer'>,
  on: Pick<Work, 'turn' | 'signal'>,
): Promise<number[][]> {
  const output = model.manifest.graphs[0]?.outputs.detections ?? '';
  const work = {
    ...on,
    lane: detectorLane(model, thresholds),
    fill: (input: Uint8Array) => input.set(pixels),
    read: (tensors: PlainTensors, place: number) => {
      const numbers = Array.from(tensors[output]?.data ?? [], Number);
      const rows = Array.from({ length: numbers.length / ROW }, (_, row) =>
        numbers.slice(row * ROW, (row + 1) * ROW),
      );
      return rows.filter(([picture]) => picture === place).map(([, ...found]) => found);
    },
  };
  return orAlone((isAlone) => device.infer({ ...work, isAlone }));
}

/** @returns undefined for a box that lies outside the picture, in the letterbox's margin say */
function boxInPicture(
  corners: readonly number[],
  { scale, offset }: FittedImage,
  { width, height }: Size,
): Box | undefined {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = corners;
  const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const left = clamp((x1 - offset.x) / scale.x, width);
  const top = clamp((y1 - offset.y) / scale.y, height);
  const right = clamp((x2 - offset.x) / scale.x, width);
  const bottom = clamp((y2 - offset.y) / scale.y, height);
  if (right <= left || bottom <= top) return undefined;
  const round = (value: number) => Math.round(value * 100) / 100;
  return { x: round(left), y: round(top), width: round(right - left), height: round(bottom - top) };
}
