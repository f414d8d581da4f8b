/**
 * S3 ObjectCreated → job. Events come at least once and may come from overlapping rules: the job's id is derived
 * from the upload, so all of them mean one job. Only keys under uploads/ count, so a result can never start one.
 */
import type { S3Event } from 'aws-lambda';
import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import {
  connectFleet,
  connectHolders,
  connectJobs,
  connectQueue,
  connectScaler,
} from '../shared/aws/connect.ts';
import { connectCatalog } from '../shared/aws/connect-catalog.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import type { ObjectStore, StoredObject } from '../shared/aws/object-store.ts';
import { type FunctionsEnvironment, readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { deriveJobId, type Job } from '../shared/job.ts';
import { createLogger, type Logger } from '../shared/log.ts';
import { resolveModel } from '../shared/model.ts';
import { defaultParameters } from '../shared/requests.ts';
import { type Predict, predictWork } from './jobs/predict.ts';
import { newJob, type SubmitServices, submitJob } from './jobs/submit.ts';
import { readUploadKey, readUploadMetadata, type UploadRequest, uploadJobId } from './jobs/upload.ts';
import { holdUpload } from './jobs/upload-hold.ts';
import { wakeFleet } from './jobs/wake.ts';

const DEFAULT_MODEL = 'super-resolution';

interface Services extends SubmitServices {
  readonly holders: Parameters<typeof holdUpload>[0]['holders'];
  readonly catalog: Pick<CatalogStore, 'read'>;
  readonly uploads: Pick<ObjectStore, 'bucket' | 'head'>;
  readonly predict: Predict;
  readonly log: Logger;
}

export function onUpload(services: Services, settings: FunctionsEnvironment) {
  return async (event: S3Event): Promise<void> => {
    for (const { s3 } of event.Records) {
      const key = decodeURIComponent(s3.object.key.replaceAll('+', ' '));
      const place = readUploadKey(key);
      if (place === undefined) continue;
      const stored = await services.uploads.head(key);
      // Erased before the event came.
      if (stored === undefined) continue;
      const draft = await draftFor(services, settings, { ...place, key }, stored);
      if (draft === undefined || !(await holds(services, key, draft))) continue;
      await submitJob(services, draft, new Date()).then(
        (job) => services.log.info({ job_id: job.id, key }, 'upload became a job'),
        (error: unknown) => {
          // A second file through the same form: the first one is the job, and no retry of the event changes that.
          if (!(error instanceof OutboardError && error.code === 'idempotency_key_reused')) throw error;
          services.log.warn({ job_id: draft.id, key }, 'another file under the key of a job');
        },
      );
    }
  };
}

/** @returns false for a file that is gone, or whose job is: an event that comes late revives nothing */
async function holds(services: Services, key: string, draft: Job): Promise<boolean> {
  const held = await holdUpload(services, key, draft, { once: true });
  // Another file may be on its way under the key of one that is just being erased; the event comes again.
  if (held === 'leaving')
    throw new OutboardError('service_unavailable', { detail: `${key} is being erased.` });
  return held !== 'missing' && held !== 'left';
}

interface Place {
  readonly tenant: string;
  readonly name: string;
  readonly key: string;
}

/** @returns undefined for an upload that only waits to be named in POST /v1/jobs. */
async function draftFor(
  { catalog, uploads, predict }: Services,
  settings: FunctionsEnvironment,
  { tenant, name, key }: Place,
  stored: StoredObject,
): Promise<Job | undefined> {
  const asked = readUploadMetadata(stored.metadata);
  if (asked?.start_job === false) return undefined;
  const { model, parameters, image_name, priority, webhook } = asked ?? (await defaultRequest(catalog));
  // The manifest is looked up again by the worker; a model that went away in between fails there, visibly.
  const manifest = resolveModel(await catalog.read(), model);
  const workSeconds =
    manifest === undefined ? undefined : await predict(manifest, parameters, { size: stored.bytes });
  const task = manifest?.task ?? DEFAULT_MODEL;
  const id =
    asked === undefined ? deriveJobId(tenant, 'object', key, stored.eTag) : uploadJobId(tenant, name);
  const fileName = image_name ?? name.split('/').at(-1) ?? name;
  const input = { kind: 'object', bucket: uploads.bucket, key, name: fileName } as const;
  return newJob(
    {
      id,
      tenant,
      task,
      model,
      parameters,
      input,
      requestHash: stored.eTag,
      ...(priority === undefined ? {} : { priority }),
      webhook,
      ...(workSeconds === undefined ? {} : { workSeconds }),
    },
    settings,
    new Date(),
  );
}

/** A file that somebody dropped into the bucket by other means is enlarged with the defaults. */
async function defaultRequest(catalog: Services['catalog']): Promise<UploadRequest> {
  const manifest = resolveModel(await catalog.read(), DEFAULT_MODEL);
  const parameters = manifest === undefined ? {} : defaultParameters(manifest);
  return { model: DEFAULT_MODEL, parameters, start_job: true };
}

const settings = readFunctionsEnvironment(process.env);
const fleet = connectFleet(settings);
const log = createLogger('on-upload');
export const handler = onUpload(
  {
    ...connectJobs(settings),
    queue: connectQueue(settings),
    holders: connectHolders(settings),
    catalog: connectCatalog(settings),
    uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
    predict: predictWork(fleet),
    wake: wakeFleet({ fleet, scaler: connectScaler(settings), log }),
    log,
  },
  settings,
);
