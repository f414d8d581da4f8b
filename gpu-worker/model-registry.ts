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

interface Loaded {
  readonly model: LoadedModel;
  readonly bytes: number;
}

interface Entry {
  readonly version: string;
  readonly ready: Promise<Loaded>;
  /** Absent while the load is under way. */
  loaded?: Loaded;
  /** Jobs that hold it or wait for it. */
  users: number;
  usedAt: number;
}

/** A model in use; it cannot be unloaded before it is disposed of. */
export interface ModelUse extends AsyncDisposable {
  readonly model: LoadedModel;
}

export class ModelRegistry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();
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
    const loaded = [...this.#entries.values()].filter((entry) => entry.loaded !== undefined);
    return loaded.map(({ version }) => version).sort();
  }

  /** Bytes that the loaded versions take together. */
  bytes(): number {
    return [...this.#entries.values()].reduce((sum, { loaded }) => sum + (loaded?.bytes ?? 0), 0);
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
    const entry = this.#entry(manifest);
    if (entry.loaded === undefined) onWait?.();
    // Counted before the wait, so that it cannot be let go between the load and its first use.
    entry.users += 1;
    const release = () => {
      entry.users -= 1;
      entry.usedAt = Date.now();
      this.#trim();
    };
    try {
      const { model } = await entry.ready;
      this.#trim();
      if (!this.#serving.has(manifest.name)) this.#serving.set(manifest.name, version);
      return { model, [Symbol.asyncDispose]: async () => release() };
    } catch (error) {
      release();
      throw error;
    }
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
      await this.#entry(wanted).ready;
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

  #entry(manifest: ModelManifest): Entry {
    const version = versionOf(manifest);
    const known = this.#entries.get(version);
    if (known !== undefined) return known;
    const entry: Entry = { version, ready: this.#load(manifest), users: 0, usedAt: Date.now() };
    this.#entries.set(version, entry);
    entry.ready.then(
      (loaded) => {
        entry.loaded = loaded;
        entry.usedAt = Date.now();
      },
      () => this.#entries.delete(version),
    );
    return entry;
  }

  async #load(manifest: ModelManifest): Promise<Loaded> {
    const { repository, device, directory, log } = this.#options;
    const version = versionOf(manifest);
    const start = performance.now();
    const before = process.memoryUsage.rss();
    let model: LoadedModel | undefined;
    try {
      model = { manifest, folder: await repository.fetch(manifest, directory) } as LoadedModel;
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
      return { model, bytes };
    } catch (cause) {
      // What was opened before it failed must not stay behind.
      if (model !== undefined) await this.#unload(version, { model, bytes: 0 });
      throw new OutboardError('model_unavailable', { detail: `${version} failed to load.`, cause });
    }
  }

  /**
   * Lets go of the models that nobody uses, least recently used first, until the rest fit the budget. No job waits for it:
   * a device thread that is told to let go does so after the runs it was given before, and before those that follow.
   */
  #trim(): void {
    const loaded = [...this.#entries.values()].sort((a, b) => a.usedAt - b.usedAt);
    let total = loaded.reduce((sum, entry) => sum + (entry.loaded?.bytes ?? 0), 0);
    for (const { version, loaded: found, users } of loaded) {
      if (total <= this.#options.memoryBudget) return;
      if (found === undefined || users > 0) continue;
      total -= found.bytes;
      this.#entries.delete(version);
      void this.#unload(version, found);
    }
  }

  async #unload(version: string, { model, bytes }: Loaded): Promise<void> {
    const { device, log } = this.#options;
    try {
      await Promise.all(graphPaths(model).map((path) => device.unload(path)));
      log.info({ model: version, megabytes: Math.round(bytes / 1e6) }, 'model unloaded');
    } catch (error) {
      log.warn({ model: version, err: error }, 'a model could not be let go');
    }
  }
}
