/** The catalog of models, and the repository of their packages, from settings. */
import { CatalogStore } from './catalog-store.ts';
import type { ServiceSettings } from './connect.ts';
import { connectObjects } from './connect-objects.ts';
import { ModelRepository } from './model-repository.ts';

export function connectCatalog(settings: ServiceSettings): CatalogStore {
  return new CatalogStore(connectObjects(settings, settings.OUTBOARD_MODELS_BUCKET));
}

export function connectModels(settings: ServiceSettings): {
  catalog: CatalogStore;
  repository: ModelRepository;
} {
  const objects = connectObjects(settings, settings.OUTBOARD_MODELS_BUCKET);
  const catalog = new CatalogStore(objects);
  return { catalog, repository: new ModelRepository(objects, catalog) };
}
