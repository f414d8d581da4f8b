/**
 * The catalog of models, as one object in the models bucket: written whole by whoever publishes a model, read by
 * every function and worker. One object means one atomic switch; nobody can see half a catalog.
 */
import { OutboardError } from '../errors.ts';
import { type ModelCatalog, modelCatalog } from '../model.ts';
import { type ObjectStore, WriteConflict } from './object-store.ts';

const CATALOG_KEY = 'catalog.json';
const MAX_CATALOG_BYTES = 4 * 1024 * 1024;
/** How long a reader may act on an old catalog. */
const FRESH_MS = 5_000;

export class CatalogStore {
  readonly #objects: Pick<ObjectStore, 'read' | 'put'>;
  readonly #now: () => number;
  #cached: { readonly catalog: ModelCatalog; readonly readAt: number } | undefined;

  constructor(objects: Pick<ObjectStore, 'read' | 'put'>, now: () => number = Date.now) {
    this.#objects = objects;
    this.#now = now;
  }

  /**
   * @param maxAgeMs how old an answer may be, milliseconds
   * @throws service_unavailable where no catalog was ever written or it cannot be read.
   */
  async read(maxAgeMs: number = FRESH_MS): Promise<ModelCatalog> {
    if (this.#cached !== undefined && this.#now() - this.#cached.readAt < maxAgeMs)
      return this.#cached.catalog;
    try {
      const { catalog } = await this.#load();
      this.#cached = { catalog, readAt: this.#now() };
      return catalog;
    } catch (error) {
      // An old catalog serves better than none while S3 has a bad minute.
      if (this.#cached !== undefined) return this.#cached.catalog;
      throw new OutboardError('service_unavailable', {
        detail: 'The list of models cannot be read.',
        cause: error,
      });
    }
  }

  /**
   * What `use` makes of the catalog. Where it finds a model unknown it is asked again on a fresh catalog: the model may
   * have been published since the last look.
   */
  async consult<T>(use: (catalog: ModelCatalog) => T): Promise<T> {
    try {
      return use(await this.read());
    } catch (error) {
      if (!(error instanceof OutboardError && error.code === 'unknown_model')) throw error;
      return use(await this.read(0));
    }
  }

  /**
   * Changes the catalog in one atomic step; where somebody else was faster, the change is tried again on theirs.
   * @param change must have no effect but its result: it may run more than once
   */
  async update(change: (catalog: ModelCatalog) => ModelCatalog): Promise<ModelCatalog> {
    for (;;) {
      const { catalog, eTag } = await this.#load().catch((error: unknown) => {
        if (error instanceof OutboardError && error.code === 'input_not_found') return EMPTY;
        throw error;
      });
      const changed = change(catalog);
      try {
        await this.#save(changed, eTag);
        return changed;
      } catch (error) {
        if (!(error instanceof WriteConflict)) throw error;
      }
    }
  }

  async #load(): Promise<{ catalog: ModelCatalog; eTag: string }> {
    const { bytes, eTag } = await this.#objects.read(CATALOG_KEY, MAX_CATALOG_BYTES);
    return { catalog: modelCatalog.parse(JSON.parse(bytes.toString())), eTag };
  }

  async #save(catalog: ModelCatalog, ifMatch: string): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(modelCatalog.parse(catalog)));
    await this.#objects.put(CATALOG_KEY, bytes, { contentType: 'application/json', ifMatch });
    this.#cached = undefined;
  }
}

/** What a bucket without a catalog holds; written only where still nothing is there. */
const EMPTY = { catalog: { models: [], aliases: {}, promotions: {} }, eTag: 'none' } as const satisfies {
  catalog: ModelCatalog;
  eTag: string;
};
