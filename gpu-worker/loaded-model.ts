/** A model package on this machine, and its graphs as the device takes them. */
import path from 'node:path';
import { OutboardError } from '../shared/errors.ts';
import { type ManifestOf, type SuperResolutionGraph, type Task, versionOf } from '../shared/model.ts';
import type { Size } from './image/pixels.ts';
import type { GraphFile, TensorGraphFile } from './inference/session.ts';

export type LoadedModel<T extends Task = Task> = T extends Task
  ? {
      readonly manifest: ManifestOf<T>;
      /** Where the package's files are. */
      readonly folder: string;
    }
  : never;

/** A graph that enlarges pictures, and how they are cut for it. */
export interface TiledGraph {
  readonly file: GraphFile;
  readonly graph: Pick<SuperResolutionGraph, 'scale' | 'receptive_radius' | 'tile'> & {
    readonly input: Pick<SuperResolutionGraph['input'], 'batch' | 'height' | 'width' | 'multiple_of'>;
  };
}

export function isTask<T extends Task>(
  model: LoadedModel,
  task: T,
): model is Extract<LoadedModel, LoadedModel<T>> {
  return model.manifest.task === task;
}

/** The graph that enlarges by `scale`. @throws model_unavailable */
export function pictureGraph(
  { manifest, folder }: LoadedModel<'super-resolution'>,
  scale: number,
): TiledGraph {
  const graph = manifest.graphs.find((candidate) => candidate.scale === scale);
  if (graph === undefined) {
    const detail = `${versionOf(manifest)} cannot enlarge by ${scale}.`;
    throw new OutboardError('model_unavailable', { detail });
  }
  const { input, output, file } = graph;
  return {
    graph,
    file: { path: path.join(folder, file), inputName: input.name, outputName: output.name, scale },
  };
}

/**
 * The lane for a picture or tile of this size.
 * @param isUsual false for a size that comes once: it gets no session of its own
 */
export const pictureLane = ({ file, graph }: TiledGraph, { height, width }: Size, isUsual: boolean) =>
  ({ kind: 'picture', graph: file, height, width, batch: graph.input.batch, isUsual }) as const;

/** The lane of a classifier or detector. @param scalars further inputs by name */
export function tensorLane(
  model: LoadedModel<'classification' | 'object-detection'>,
  scalars: Readonly<Record<string, number>> = {},
) {
  const [graph] = model.manifest.graphs;
  if (graph === undefined) throw new OutboardError('model_unavailable');
  const file: TensorGraphFile = {
    path: path.join(model.folder, graph.file),
    inputName: graph.input.name,
    outputNames: Object.values(graph.outputs),
  };
  const { batch } = graph.input;
  return { kind: 'tensors', graph: file, ...inputSize(model), batch, scalars, isUsual: true } as const;
}

/** What a classifier or detector of free size is given, in pixels. */
const USUAL_SIZE = { classification: 224, 'object-detection': 640 } as const;

/** Height and width that a classifier or detector takes, in pixels. */
export function inputSize({ manifest }: LoadedModel<'classification' | 'object-detection'>) {
  const { height = 'dynamic', width = 'dynamic' } = manifest.graphs[0]?.input ?? {};
  const usual = USUAL_SIZE[manifest.task];
  return { height: height === 'dynamic' ? usual : height, width: width === 'dynamic' ? usual : width };
}
