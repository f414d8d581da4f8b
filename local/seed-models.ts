/**
 * The bundled models, published to the local stack at every start. Their files may have been trained anew under the
 * same version, so here, and only here, a version may be replaced; what users published stays.
 */
import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import type { ModelRepository } from '../shared/aws/model-repository.ts';
import { versionOf } from '../shared/model.ts';
import { bundledAliases, bundledModels } from './bundled-models.ts';

interface Services {
  readonly repository: Pick<ModelRepository, 'publish'>;
  readonly catalog: Pick<CatalogStore, 'update'>;
}

export async function seedModels({ repository, catalog }: Services): Promise<void> {
  for (const { manifest, folder } of await bundledModels()) {
    await catalog.update((before) => ({
      ...before,
      models: before.models.filter(
        (model) =>
          versionOf(model) !== versionOf(manifest) || JSON.stringify(model) === JSON.stringify(manifest),
      ),
    }));
    await repository.publish(folder);
  }
  const aliases = await bundledAliases();
  await catalog.update((before) => ({ ...before, aliases: { ...aliases, ...before.aliases } }));
}
