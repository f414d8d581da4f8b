/** Classification: the picture as the network's input, one run, and names for the classes it ranks first. */
import { OutboardError } from '../shared/errors.ts';
import type { ParametersOf } from '../shared/parameters.ts';
import { fitImage } from './image/fit.ts';
import type { DevicePool, Work } from './inference/device-pool.ts';
import type { PlainTensors } from './inference/session.ts';
import { inputSize, type LoadedModel, tensorLane } from './loaded-model.ts';
import { orAlone } from './or-alone.ts';
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
  device: Pick<DevicePool, 'infer'>,
): Promise<TaskResult> {
  const { source, info, watch, context, turn } = attempt;
  const { manifest } = model;
  const size = inputSize(model);
  const fitted = await watch.time('decode_ms', () => fitImage(source, info, size, manifest.resize));
  await context.progress.enter({ phase: 'running model', completed: 0, total: 1, unit: 'step' });
  const ranked = await watch.time('compute_ms', () =>
    rank(model, fitted.pixels, device, { turn, signal: context.signal }),
  );
  const predictions = ranked.slice(0, wanted).map(({ class_id, score }): Prediction => {
    return { label: manifest.labels?.[class_id] ?? String(class_id), class_id, score };
  });
  return { pictures: {}, facts: { predictions } };
}

/** Class ids and scores, best first. @param pixels RGB of exactly the model's input size */
export async function rank(
  model: LoadedModel<'classification'>,
  pixels: Uint8Array,
  device: Pick<DevicePool, 'infer'>,
  on: Pick<Work, 'turn' | 'signal'>,
): Promise<{ class_id: number; score: number }[]> {
  const outputs = model.manifest.graphs[0]?.outputs;
  const work = {
    ...on,
    lane: tensorLane(model),
    fill: (input: Uint8Array) => input.set(pixels),
    read: (tensors: PlainTensors, place: number, batch: number) => {
      const row = (name: string | undefined) => numbersOf(tensors[name ?? ''], place, batch);
      const [ids, scores] = [row(outputs?.class_ids), row(outputs?.scores)];
      if (ids.length !== scores.length) throw new OutboardError('model_failed');
      return scores.map((score, rank) => ({ class_id: ids[rank] ?? -1, score }));
    },
  };
  return orAlone((isAlone) => device.infer({ ...work, isAlone }));
}

/** One picture's numbers of a tensor whose first axis is the batch. */
function numbersOf(tensor: PlainTensors[string] | undefined, place: number, batch: number): number[] {
  const length = (tensor?.data.length ?? 0) / batch;
  return Array.from(tensor?.data.subarray(place * length, (place + 1) * length) ?? [], Number);
}
