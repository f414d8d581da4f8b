/**
 * Files in S3 from settings. Apart from connect.ts, which every function loads at its start: those that need S3 late or
 * never must not load its client then; and apart from connect-catalog.ts, whose schemas take their time too.
 */
import { S3Client } from '@aws-sdk/client-s3';
import type { ServiceSettings } from './connect.ts';
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
