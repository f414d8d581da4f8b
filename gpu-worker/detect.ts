/** Object detection: the picture as the network's input, one run, and its boxes brought back to the picture's own pixels. */
import type { ParametersOf } from '../shared/parameters.ts';
import { drawBoxes } from './image/draw-boxes.ts';
import { type FittedImage, fitImage } from './image/fit.ts';
import type { Size } from './image/pixels.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { inputSize, type LoadedModel, tensorGraph } from './loaded-model.ts';
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
  device: Pick<DevicePool, 'acquire'>,
): Promise<TaskResult> {
  const { source, info, watch, context } = attempt;
  const { labels, resize } = model.manifest;
  const fitted = await watch.time('decode_ms', () => fitImage(source, info, inputSize(model), resize));
  const rows = await watch.time('compute_ms', () =>
    findRows(model, fitted.pixels, parameters, device, context.signal),
  );
  const detections = rows.flatMap(([classId = 0, score = 0, ...corners]): Detection[] => {
    const box = boxInPicture(corners, fitted, info);
    return box === undefined
      ? []
      : [{ label: labels?.[classId] ?? String(classId), class_id: classId, score, box }];
  });
  if (!parameters.annotated) return { pictures: {}, facts: { detections } };
  const { output_format: format, quality } = parameters;
  const drawn = await watch.time('encode_ms', () => drawBoxes(source, info, detections, { format, quality }));
  return { pictures: { annotated_image: { ...drawn, format } }, facts: { detections } };
}

/** Rows of class, score, x1, y1, x2, y2 in pixels of the input, best first. @param pixels RGB of the input size */
export async function findRows(
  model: LoadedModel<'object-detection'>,
  pixels: Uint8Array,
  thresholds: { readonly score_threshold: number; readonly iou_threshold: number },
  device: Pick<DevicePool, 'acquire'>,
  signal: AbortSignal,
): Promise<number[][]> {
  const graph = model.manifest.graphs[0];
  const slot = await device.acquire(signal);
  try {
    slot.input(pixels.length).set(pixels);
    const tensors = await slot.infer(
      tensorGraph(model),
      { batch: 1, ...inputSize(model) },
      {
        [graph?.inputs.score_threshold ?? '']: thresholds.score_threshold,
        [graph?.inputs.iou_threshold ?? '']: thresholds.iou_threshold,
      },
    );
    const numbers = Array.from(tensors[graph?.outputs.detections ?? '']?.data ?? [], Number);
    // The first of the seven is the picture's place in the batch.
    return Array.from({ length: numbers.length / 7 }, (_, row) => numbers.slice(row * 7 + 1, row * 7 + 7));
  } finally {
    slot.release();
  }
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
