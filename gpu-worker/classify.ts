/** Classification: the picture as the network's input, one run, and names for the classes it ranks first. */
import { OutboardError } from '../shared/errors.ts';
import type { ParametersOf } from '../shared/parameters.ts';
import { fitImage } from './image/fit.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { inputSize, type LoadedModel, tensorGraph } from './loaded-model.ts';
import type { Attempt, TaskResult } from './pipeline.ts';

interface Prediction {
  readonly label: string;
  readonly class_id: number;
  readonly score: number;
}

export async function classify(
  attempt: Attempt,
  model: LoadedModel<'classification'>,
  { top_k: wanted }: ParametersOf['classification'],
  device: Pick<DevicePool, 'acquire'>,
): Promise<TaskResult> {
  const { source, info, watch, context } = attempt;
  const { manifest } = model;
  const size = inputSize(model);
  const fitted = await watch.time('decode_ms', () => fitImage(source, info, size, manifest.resize));
  const ranked = await watch.time('compute_ms', () => rank(model, fitted.pixels, device, context.signal));
  const predictions = ranked.slice(0, wanted).map(({ class_id, score }): Prediction => {
    return { label: manifest.labels?.[class_id] ?? String(class_id), class_id, score };
  });
  return { pictures: {}, facts: { predictions } };
}

/** Class ids and scores, best first. @param pixels RGB of exactly the model's input size */
export async function rank(
  model: LoadedModel<'classification'>,
  pixels: Uint8Array,
  device: Pick<DevicePool, 'acquire'>,
  signal: AbortSignal,
): Promise<{ class_id: number; score: number }[]> {
  const slot = await device.acquire(signal);
  try {
    slot.input(pixels.length).set(pixels);
    const tensors = await slot.infer(tensorGraph(model), { batch: 1, ...inputSize(model) }, {});
    const outputs = model.manifest.graphs[0]?.outputs;
    const ids = Array.from(tensors[outputs?.class_ids ?? '']?.data ?? [], Number);
    const scores = Array.from(tensors[outputs?.scores ?? '']?.data ?? [], Number);
    if (ids.length !== scores.length) throw new OutboardError('model_failed');
    return scores.map((score, place) => ({ class_id: ids[place] ?? -1, score }));
  } finally {
    slot.release();
  }
}
