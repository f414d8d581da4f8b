/** Loading a model onto the device: its sessions in every thread, and proof by its golden example. */
import path from 'node:path';
import { usualScale } from '../shared/parameters.ts';
import { bicubicGraph } from './bicubic-graph.ts';
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
  // What must not stay goes first: its memory is then used again.
  for (const { lane, stays } of usualLanes(model).sort((a, b) => Number(a.stays) - Number(b.stays))) {
    await device.warm(lane, stays);
  }
  await checkGolden(model, device);
}

export const graphPaths = ({ manifest, folder }: LoadedModel): string[] =>
  manifest.graphs.map(({ file }) => path.join(folder, file));

interface UsualLane {
  readonly lane: LaneSpec;
  /** Whether most jobs of this model run on it. */
  readonly stays: boolean;
}

/** What all of this model's graphs run on. */
function usualLanes(model: LoadedModel): UsualLane[] {
  if (isTask(model, 'super-resolution')) {
    const { graphs } = model.manifest;
    const usual = usualScale(graphs.map(({ scale }) => scale));
    return graphs.flatMap(({ scale }) => {
      const beside = scale > 1 ? [bicubicGraph(scale)] : [];
      return [pictureGraph(model, scale), ...beside].map((tiled) => ({
        lane: pictureLane(tiled, tiled.graph.tile, true),
        stays: scale === usual,
      }));
    });
  }
  if (isTask(model, 'classification')) return [{ lane: tensorLane(model), stays: true }];
  if (!isTask(model, 'object-detection')) return [];
  return [{ lane: detectorLane(model, USUAL_THRESHOLDS), stays: true }];
}

const USUAL_THRESHOLDS = { score_threshold: 0.25, iou_threshold: 0.45 };
