/** A model package on this machine, and its graphs as the device takes them. */
import path from 'node:path';
import { OutboardError } from '../shared/errors.ts';
import { type ManifestOf, type SuperResolutionGraph, type Task, versionOf } from '../shared/model.ts';
import type { GraphFile, TensorGraphFile } from './inference/session.ts';

export type LoadedModel<T extends Task = Task> = T extends Task
  ? {
      readonly manifest: ManifestOf<T>;
      /** Where the package's files are. */
      readonly folder: string;
    }
  : never;

export interface LoadedGraph {
  readonly file: GraphFile;
  readonly graph: SuperResolutionGraph;
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
): LoadedGraph {
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

/** The one graph of a classifier or detector. */
export function tensorGraph({
  manifest,
  folder,
}: LoadedModel<'classification' | 'object-detection'>): TensorGraphFile {
  const [graph] = manifest.graphs;
  if (graph === undefined) throw new OutboardError('model_unavailable');
  return {
    path: path.join(folder, graph.file),
    inputName: graph.input.name,
    outputNames: Object.values(graph.outputs),
  };
}

/** What a classifier or detector of free size is given, in pixels. */
const USUAL_SIZE = { classification: 224, 'object-detection': 640 } as const;

/** Height and width that a classifier or detector takes, in pixels. */
export function inputSize({ manifest }: LoadedModel<'classification' | 'object-detection'>) {
  const { height = 'dynamic', width = 'dynamic' } = manifest.graphs[0]?.input ?? {};
  const usual = USUAL_SIZE[manifest.task];
  return { height: height === 'dynamic' ? usual : height, width: width === 'dynamic' ? usual : width };
}
