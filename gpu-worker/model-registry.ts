/**
 * The model packages on this machine: manifests read, files checked against their sha256 before anything is
 * loaded. A package that does not match its manifest is refused whole.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { requireSha256 } from '../shared/aws/model-repository.ts';
import { OutboardError } from '../shared/errors.ts';
import {
  filesOf,
  type ModelCatalog,
  type ModelManifest,
  modelManifest,
  resolveModel,
  type SuperResolutionGraph,
  versionOf,
} from '../shared/model.ts';
import type { DevicePool } from './inference/device-pool.ts';
import type { GraphFile } from './inference/session.ts';

export interface LoadedGraph {
  readonly file: GraphFile;
  readonly graph: SuperResolutionGraph;
}

export class ModelRegistry {
  readonly catalog: ModelCatalog;
  readonly #directory: string;

  private constructor(directory: string, catalog: ModelCatalog) {
    this.#directory = directory;
    this.catalog = catalog;
  }

  /** Reads `<directory>/<name>/<version>/model.json` and `<directory>/aliases.json`. @throws on any that is not right */
  static async open(directory: string): Promise<ModelRegistry> {
    const root = path.resolve(directory);
    const entries = await readdir(root, { recursive: true });
    const files = entries.filter((entry) => path.basename(entry) === 'model.json').sort();
    const models = await Promise.all(files.map((file) => readPackage(path.join(root, file))));
    if (models.length === 0) throw new Error(`There is no model package in ${root}.`);
    const aliases = JSON.parse(
      await readFile(path.join(root, 'aliases.json'), 'utf8'),
    ) as ModelCatalog['aliases'];
    return new ModelRegistry(root, { models, aliases, promotions: {} });
  }

  /** Every package as `name@version`. */
  versions(): string[] {
    return this.catalog.models.map(versionOf);
  }

  /** Loads what the aliases point at, in every device thread: the first job must not pay for it. */
  async warm(device: Pick<DevicePool, 'warm'>): Promise<void> {
    const aliased = new Set(Object.keys(this.catalog.aliases).map((alias) => this.resolve(alias)));
    for (const manifest of aliased) {
      for (const { scale, tile } of manifest.graphs) {
        await device.warm(this.graph(manifest, scale).file, { batch: 1, ...tile });
      }
    }
  }

  /** @throws unknown_model */
  resolve(asked: string): ModelManifest {
    const manifest = resolveModel(this.catalog, asked);
    if (manifest === undefined)
      throw new OutboardError('unknown_model', { detail: `Asked for ${JSON.stringify(asked)}.` });
    return manifest;
  }

  /** The graph that enlarges by `scale`. @throws model_unavailable */
  graph(manifest: ModelManifest, scale: number): LoadedGraph {
    const graph = manifest.graphs.find((candidate) => candidate.scale === scale);
    if (graph === undefined) {
      throw new OutboardError('model_unavailable', {
        detail: `${versionOf(manifest)} cannot enlarge by ${scale}.`,
      });
    }
    const file = path.join(this.#directory, manifest.name, manifest.version, graph.file);
    return { graph, file: { path: file, inputName: graph.input.name, outputName: graph.output.name, scale } };
  }
}

async function readPackage(file: string): Promise<ModelManifest> {
  const manifest = modelManifest.parse(JSON.parse(await readFile(file, 'utf8')));
  for (const { file: name, sha256 } of filesOf(manifest)) {
    await requireSha256(path.join(path.dirname(file), name), sha256);
  }
  return manifest;
}
