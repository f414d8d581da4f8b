/** Loading a model onto the device: its sessions in every thread, and proof by its golden example. */
import path from 'node:path';
import { detectorLane } from './detect.ts';
import { checkGolden } from './golden.ts';
import type { DevicePool } from './inference/device-pool.ts';
import type { LaneSpec } from './inference/lane.ts';
import { isTask, type LoadedModel, pictureGraph, pictureLane, tensorLane } from './loaded-model.ts';

/** @throws Error where a graph cannot be loaded or does not give what its golden example says */
export async function loadModel(
  model: LoadedModel,
  device: Pick<DevicePool, 'enlarge' | 'infer' | 'warm'>,
): Promise<void> {
  for (const lane of usualLanes(model)) await device.warm(lane);
  await checkGolden(model, device);
}

export const graphPaths = ({ manifest, folder }: LoadedModel): string[] =>
  manifest.graphs.map(({ file }) => path.join(folder, file));

/** What most jobs of this model run on. */
function usualLanes(model: LoadedModel): LaneSpec[] {
  if (isTask(model, 'super-resolution')) {
    return model.manifest.graphs.map(({ scale, tile }) =>
      pictureLane(pictureGraph(model, scale), tile, true),
    );
  }
  if (isTask(model, 'classification')) return [tensorLane(model)];
  return isTask(model, 'object-detection') ? [detectorLane(model, USUAL_THRESHOLDS)] : [];
}

const USUAL_THRESHOLDS = { score_threshold: 0.25, iou_threshold: 0.45 };
