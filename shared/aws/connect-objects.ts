/**
 * Stores in S3 from settings. Apart from connect.ts, which every function loads at its start: those that need S3 late or
 * never must not load its client then.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { CatalogStore } from './catalog-store.ts';
import type { ServiceSettings } from './connect.ts';
import { ModelRepository } from './model-repository.ts';
import { ObjectStore } from './object-store.ts';

export function connectObjects(settings: ServiceSettings, bucket: string): ObjectStore {
  const local = settings.AWS_ENDPOINT_URL_S3 !== undefined;
  const client = new S3Client({
    region: settings.AWS_REGION,
    ...(settings.AWS_ENDPOINT_URL_S3 === undefined ? {} : { endpoint: settings.AWS_ENDPOINT_URL_S3 }),
    forcePathStyle: local,
  });
  return new ObjectStore(client, bucket);
}

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
