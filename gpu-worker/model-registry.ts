/**
 * The model versions of this worker. A name means one version here at any moment; a version promoted elsewhere is
 * brought in, loaded and checked beside the old one, and takes over the name only then. A version that cannot be loaded
 * leaves the old one serving. Jobs hold what they use, so nothing is unloaded under them.
 */
import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import type { ModelRepository } from '../shared/aws/model-repository.ts';
import { asOutboardError, OutboardError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type ModelCatalog, type ModelManifest, resolveModel, versionOf } from '../shared/model.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { graphPaths, loadModel } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';

interface RegistryOptions {
  readonly catalog: Pick<CatalogStore, 'read' | 'consult'>;
  readonly repository: Pick<ModelRepository, 'fetch'>;
  readonly device: Pick<DevicePool, 'enlarge' | 'infer' | 'warm' | 'unload'>;
  /** Where packages lie on this machine. */
  readonly directory: string;
  /** Bytes that idle models may take together; the least recently used is let go above it. */
  readonly memoryBudget: number;
  readonly log: Logger;
  readonly onLoadFailed?: (version: string) => void;
}

interface Entry {
  readonly model: LoadedModel;
  readonly bytes: number;
  users: number;
  usedAt: number;
}

/** A model in use; it cannot be unloaded before it is disposed of. */
export interface ModelUse extends AsyncDisposable {
  readonly model: LoadedModel;
}

export class ModelRegistry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Promise<Entry>>();
  /** name → the version that answers to it on this worker. */
  readonly #serving = new Map<string, string>();
  /** Versions that failed to load, so that they are not tried again with every look at the catalog. */
  readonly #refused = new Set<string>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Loads what the aliases of the catalog mean now: the first job must not pay for it. */
  async start(): Promise<void> {
    const catalog = await this.#options.catalog.read();
    for (const alias of Object.keys(catalog.aliases)) {
      const manifest = resolveModel(catalog, alias);
      if (manifest !== undefined) await (await this.use(versionOf(manifest)))[Symbol.asyncDispose]();
    }
  }

  /** Every version that is loaded here. */
  loaded(): string[] {
    return [...this.#entries.keys()].sort();
  }

  /** The `name@version` that `asked` means on this worker now. @throws unknown_model */
  async versionFor(asked: string): Promise<string> {
    return versionOf(await this.#find(asked));
  }

  /**
   * The model, loaded if it is not yet.
   * @param onWait called where the caller has to wait for the load
   * @throws unknown_model, model_unavailable
   */
  async use(asked: string, onWait?: () => void): Promise<ModelUse> {
    const manifest = await this.#find(asked);
    const version = versionOf(manifest);
    if (!this.#entries.has(version)) onWait?.();
    const entry = await this.#entry(manifest);
    entry.users += 1;
    entry.usedAt = Date.now();
    if (!this.#serving.has(manifest.name)) this.#serving.set(manifest.name, version);
    return {
      model: entry.model,
      [Symbol.asyncDispose]: async () => {
        entry.users -= 1;
        await this.#trim();
      },
    };
  }

  /** Looks at the catalog once: loads what was promoted and lets it take over. Never throws. */
  async refresh(): Promise<void> {
    try {
      const catalog = await this.#options.catalog.read();
      for (const [name, serving] of this.#serving) {
        const wanted = resolveModel(catalog, name);
        if (wanted !== undefined && versionOf(wanted) !== serving) await this.#switch(name, wanted);
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not look for new model versions');
    }
  }

  async #switch(name: string, wanted: ModelManifest): Promise<void> {
    const version = versionOf(wanted);
    if (this.#refused.has(version)) return;
    try {
      await this.#entry(wanted);
      this.#options.log.info({ model: version, instead_of: this.#serving.get(name) }, 'version switched');
      this.#serving.set(name, version);
    } catch (error) {
      this.#refused.add(version);
      this.#options.onLoadFailed?.(version);
      const cause = asOutboardError(error).cause ?? error;
      this.#options.log.error(
        { model: version, still: this.#serving.get(name), err: cause },
        'a promoted version cannot be loaded; the old one goes on',
      );
    }
  }

  #find(asked: string): Promise<ModelManifest> {
    return this.#options.catalog.consult((catalog) => this.#manifest(catalog, asked));
  }

  /** A bare name means what serves here; anything else what the catalog says. */
  #manifest(catalog: ModelCatalog, asked: string): ModelManifest {
    const meant = resolveModel(catalog, asked);
    const serving = meant === undefined || asked.includes('@') ? undefined : this.#serving.get(meant.name);
    const manifest = (serving === undefined ? undefined : resolveModel(catalog, serving)) ?? meant;
    if (manifest === undefined) {
      throw new OutboardError('unknown_model', { detail: `Asked for ${JSON.stringify(asked)}.` });
    }
    return manifest;
  }

  #entry(manifest: ModelManifest): Promise<Entry> {
    const version = versionOf(manifest);
    let entry = this.#entries.get(version);
    if (entry === undefined) {
      entry = this.#load(manifest);
      this.#entries.set(version, entry);
      entry.catch(() => this.#entries.delete(version));
    }
    return entry;
  }

  async #load(manifest: ModelManifest): Promise<Entry> {
    const { repository, device, directory, log } = this.#options;
    const version = versionOf(manifest);
    const start = performance.now();
    const before = process.memoryUsage.rss();
    try {
      const model = { manifest, folder: await repository.fetch(manifest, directory) } as LoadedModel;
      await loadModel(model, device);
      // What the process grew by, and never less than the files: a load can reuse memory that another one gave back.
      const files = manifest.graphs.reduce((sum, graph) => sum + graph.bytes, 0);
      const bytes = Math.max(files, process.memoryUsage.rss() - before);
      log.info(
        {
          model: version,
          load_ms: Math.round(performance.now() - start),
          megabytes: Math.round(bytes / 1e6),
        },
        'model loaded',
      );
      return { model, bytes, users: 0, usedAt: Date.now() };
    } catch (cause) {
      throw new OutboardError('model_unavailable', { detail: `${version} failed to load.`, cause });
    }
  }

  /** Lets go of the models that nobody uses, least recently used first, until the rest fit the budget. */
  async #trim(): Promise<void> {
    const entries = await Promise.all(
      [...this.#entries.values()].map((entry) => entry.catch(() => undefined)),
    );
    const idle = entries.filter((entry) => entry !== undefined).sort((a, b) => a.usedAt - b.usedAt);
    let total = idle.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { model, bytes, users } of idle) {
      if (total <= this.#options.memoryBudget) return;
      if (users > 0) continue;
      total -= bytes;
      this.#entries.delete(versionOf(model.manifest));
      for (const path of graphPaths(model)) await this.#options.device.unload(path);
      this.#options.log.info({ model: versionOf(model.manifest) }, 'model unloaded');
    }
  }
}
