/** Loading a model onto the device: its sessions in every thread, and proof by its golden example. */
import path from 'node:path';
import { checkGolden } from './golden.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { inputSize, isTask, type LoadedModel, pictureGraph, tensorGraph } from './loaded-model.ts';

/** @throws Error where a graph cannot be loaded or does not give what its golden example says */
export async function loadModel(
  model: LoadedModel,
  device: Pick<DevicePool, 'acquire' | 'inEveryThread'>,
): Promise<void> {
  await device.inEveryThread(async (slot) => {
    if (isTask(model, 'super-resolution')) {
      for (const { scale, tile } of model.manifest.graphs) {
        slot.input(tile.height * tile.width * 3);
        await slot.run(pictureGraph(model, scale).file, { batch: 1, ...tile }, true);
      }
    } else if (isTask(model, 'classification') || isTask(model, 'object-detection')) {
      const size = inputSize(model);
      slot.input(size.height * size.width * 3);
      await slot.infer(tensorGraph(model), { batch: 1, ...size }, thresholds(model));
    }
  });
  await checkGolden(model, device);
}

export const graphPaths = ({ manifest, folder }: LoadedModel): string[] =>
  manifest.graphs.map(({ file }) => path.join(folder, file));

const thresholds = (model: LoadedModel<'classification' | 'object-detection'>): Record<string, number> => {
  if (!isTask(model, 'object-detection')) return {};
  const inputs = model.manifest.graphs[0]?.inputs;
  return inputs === undefined ? {} : { [inputs.score_threshold]: 0.5, [inputs.iou_threshold]: 0.5 };
};
