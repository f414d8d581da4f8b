/** Bicubic enlargement as the device takes it: files that scripts/bicubic-graphs.ts wrote. */
import path from 'node:path';
import type { TiledGraph } from './loaded-model.ts';

const FOLDER = path.join(import.meta.dirname, 'bicubic');
/** The kernel reaches two pixels to each side. */
const RADIUS = 2;
/** Pixels of the result that a tile makes along a side: some megabytes of working memory, and sizes in use are multiples of it. */
const MADE_SIDE = 512;

/** @param factor 2 to 8 */
export function bicubicGraph(factor: number): TiledGraph {
  const side = Math.floor(MADE_SIDE / factor) + 2 * RADIUS;
  return {
    graph: {
      scale: factor,
      input: { batch: 'dynamic', height: 'dynamic', width: 'dynamic', multiple_of: 1 },
      receptive_radius: RADIUS,
      tile: { height: side, width: side },
    },
    file: {
      path: path.join(FOLDER, `x${factor}.onnx`),
      inputName: 'image',
      outputName: 'enlarged',
      scale: factor,
    },
  };
}
