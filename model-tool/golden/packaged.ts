/** Runs a packaged graph: pictures in, what the task promises out. */

import type { RankedClasses } from '../../gpu-worker/tensor/drift.ts';
import type { Picture } from '../reference/preprocess.ts';
import type { PlainTensor } from '../runtime/protocol.ts';
import { numbers, type Runtime, tensorOf } from '../runtime/runtime.ts';

/** Pictures of one size as the graph's input. */
function imageTensor(pictures: readonly Picture[]): PlainTensor {
  const [first] = pictures;
  if (first === undefined) throw new RangeError('There is no picture to run.');
  const bytes = Buffer.concat(pictures.map(({ pixels }) => pixels));
  return { type: 'uint8', dims: [pictures.length, first.height, first.width, 3], bytes };
}

export async function enlarge(
  runtime: Runtime,
  path: string,
  pictures: readonly Picture[],
): Promise<Picture[]> {
  const { enlarged } = await runtime.run(path, { image: imageTensor(pictures) }, ['enlarged']);
  const [batch = 0, height = 0, width = 0] = enlarged?.dims ?? [];
  const bytes = enlarged?.bytes ?? new Uint8Array();
  const length = bytes.length / batch;
  return Array.from({ length: batch }, (_, i) => ({
    height,
    width,
    pixels: bytes.slice(i * length, (i + 1) * length),
  }));
}

export async function classify(
  runtime: Runtime,
  path: string,
  pictures: readonly Picture[],
): Promise<RankedClasses[]> {
  const results = await runtime.run(path, { image: imageTensor(pictures) }, ['class_ids', 'scores']);
  const [ids, scores] = [results.class_ids, results.scores].map((tensor) =>
    tensor === undefined ? new Float32Array() : numbers(tensor).data,
  );
  const k = (scores?.length ?? 0) / pictures.length;
  return pictures.map((_, i) => ({
    class_ids: [...(ids?.subarray(i * k, (i + 1) * k) ?? [])],
    scores: [...(scores?.subarray(i * k, (i + 1) * k) ?? [])],
  }));
}

/** For each picture its rows of class, score, x1, y1, x2, y2. */
export async function detect(
  runtime: Runtime,
  path: string,
  pictures: readonly Picture[],
  thresholds: { readonly score: number; readonly iou: number },
): Promise<number[][][]> {
  const inputs = {
    image: imageTensor(pictures),
    score_threshold: tensorOf('float32', [1], Float32Array.of(thresholds.score)),
    iou_threshold: tensorOf('float32', [1], Float32Array.of(thresholds.iou)),
  };
  const { detections } = await runtime.run(path, inputs, ['detections']);
  const data = detections === undefined ? new Float32Array() : numbers(detections).data;
  const rows = Array.from({ length: data.length / 7 }, (_, row) => [...data.subarray(row * 7, row * 7 + 7)]);
  return pictures.map((_, i) => rows.filter(([index]) => index === i).map((row) => row.slice(1)));
}
