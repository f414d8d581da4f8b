/**
 * The catalog of models, as one object in the models bucket: written whole by whoever publishes a model, read by
 * every function and worker. One object means one atomic switch; nobody can see half a catalog.
 */
import { OutboardError } from '../errors.ts';
import { type ModelCatalog, modelCatalog } from '../model.ts';
import type { ObjectStore } from './object-store.ts';

const CATALOG_KEY = 'catalog.json';
const MAX_CATALOG_BYTES = 4 * 1024 * 1024;
/** How long a reader may act on an old catalog. */
const FRESH_MS = 5_000;

export class CatalogStore {
  readonly #objects: Pick<ObjectStore, 'get' | 'put'>;
  readonly #now: () => number;
  #cached: { readonly catalog: ModelCatalog; readonly readAt: number } | undefined;

  constructor(objects: Pick<ObjectStore, 'get' | 'put'>, now: () => number = Date.now) {
    this.#objects = objects;
    this.#now = now;
  }

  /** @throws service_unavailable where no catalog was ever written or it cannot be read. */
  async read(): Promise<ModelCatalog> {
    if (this.#cached !== undefined && this.#now() - this.#cached.readAt < FRESH_MS)
      return this.#cached.catalog;
    try {
      const bytes = await this.#objects.get(CATALOG_KEY, MAX_CATALOG_BYTES);
      const catalog = modelCatalog.parse(JSON.parse(bytes.toString()));
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

  async write(catalog: ModelCatalog): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(modelCatalog.parse(catalog)));
    await this.#objects.put(CATALOG_KEY, bytes, { contentType: 'application/json' });
    this.#cached = undefined;
  }
}
