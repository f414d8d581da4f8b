/** POST /v1/jobs: checks the request, stores a picture sent inline, and accepts the job. */
import { createHash } from 'node:crypto';
import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import {
  connectFleet,
  connectHolders,
  connectJobs,
  connectQueue,
  connectScaler,
  connectSecrets,
} from '../shared/aws/connect.ts';
import { connectCatalog } from '../shared/aws/connect-catalog.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import { inputKey, uploadKey } from '../shared/aws/input-keys.ts';
import type { ObjectStore } from '../shared/aws/object-store.ts';
import { type FunctionsEnvironment, readFunctionsEnvironment } from '../shared/environment.ts';
import { OutboardError } from '../shared/errors.ts';
import { checkImageFormat } from '../shared/image-format.ts';
import { deriveJobId, type JobInput, newJobId } from '../shared/job.ts';
import { jobSummary, jobView } from '../shared/job-view.ts';
import { createLogger } from '../shared/log.ts';
import { type CheckedJobRequest, checkCreateJob } from '../shared/requests.ts';
import { httpFunction, type Reply, type Request, readJson } from './http/edge.ts';
import { channelFrom, type GrantChannel, grantChannel } from './jobs/channel-grant.ts';
import { checkOutputLimit } from './jobs/output-limit.ts';
import { overloadCheck } from './jobs/overload.ts';
import { type KnownPicture, type Predict, predictWork } from './jobs/predict.ts';
import { newJob, type SubmitServices, submitJob } from './jobs/submit.ts';
import { holdUpload } from './jobs/upload-hold.ts';
import { readWait, waitForEnd } from './jobs/wait.ts';
import { wakeFleet } from './jobs/wake.ts';
import { webhookFor } from './webhooks/asked.ts';

interface Services extends SubmitServices {
  readonly holders: Parameters<typeof holdUpload>[0]['holders'];
  readonly jobs: SubmitServices['jobs'] & Parameters<typeof waitForEnd>[0];
  readonly catalog: Pick<CatalogStore, 'consult'>;
  readonly uploads: Pick<ObjectStore, 'bucket' | 'put' | 'head'>;
  readonly results: Pick<ObjectStore, 'presignGet' | 'uri'>;
  readonly predict: Predict;
  readonly grant: GrantChannel;
  readonly refuseOverload: () => Promise<void>;
}

export function createJob(services: Services, settings: FunctionsEnvironment) {
  return async (request: Request): Promise<Reply> => {
    const key = idempotencyKey(request);
    const wait = readWait(undefined, request.headers.prefer);
    const body = readJson(request, settings.OUTBOARD_MAX_BODY_BYTES);
    const checked = await services.catalog.consult((catalog) => checkCreateJob(body, catalog));
    const webhook = webhookFor(checked.webhook, settings, request.baseUrl);
    await services.refuseOverload();

    const id = key === undefined ? newJobId() : deriveJobId(request.tenant, 'key', key);
    const requestHash = createHash('sha256').update(request.body).digest('hex');
    const { input, known } = await storeInput(services, checked, {
      id,
      requestHash,
      tenant: request.tenant,
    });
    const { model, manifest, parameters, priority } = checked;
    const workSeconds = await services.predict(manifest, parameters, known);
    const noCache = /\bno-cache\b/i.test(request.headers['cache-control'] ?? '');
    const draft = {
      id,
      tenant: request.tenant,
      task: manifest.task,
      model,
      parameters,
      input,
      requestHash,
      noCache,
      priority,
      webhook,
      workSeconds,
    };
    const now = new Date();
    const job = await submitJob(services, newJob(draft, settings, now), now);

    const ended = wait > 0 ? await waitForEnd(services.jobs, id, wait) : undefined;
    if (ended?.finished_at !== undefined) {
      const view = await jobView(
        ended,
        request.baseUrl,
        services.results,
        settings.OUTBOARD_RESULT_URL_SECONDS,
      );
      return { status: 200, body: view, headers: { 'preference-applied': `wait=${wait}` } };
    }
    const summary = jobSummary(ended ?? job, request.baseUrl);
    const channel = await services.grant(ended ?? job);
    return {
      status: 202,
      body: channel === undefined ? summary : { ...summary, channel },
      headers: { location: summary.links.self },
    };
  };
}

function idempotencyKey(request: Request): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new OutboardError('invalid_idempotency_key', { field: 'Idempotency-Key' });
  }
  return key;
}

interface InputOwner {
  readonly id: string;
  readonly requestHash: string;
  readonly tenant: string;
}

/** The picture comes before the row: a row must never point at an input that is not there yet. */
async function storeInput(
  { uploads, holders }: Pick<Services, 'uploads' | 'holders'>,
  { input, manifest, parameters }: Pick<CheckedJobRequest, 'input' | 'manifest' | 'parameters'>,
  owner: InputOwner,
): Promise<{ readonly input: JobInput; readonly known: KnownPicture }> {
  if (input.kind === 'url' || input.kind === 'object') return { input, known: {} };
  if (input.kind === 'upload') {
    const key = uploadKey(owner.tenant, input.uploadId);
    const stored = await holdUpload({ uploads, holders }, key, {
      id: owner.id,
      request_hash: owner.requestHash,
    });
    if (typeof stored === 'string') throw new OutboardError('upload_not_found', { field: 'upload_id' });
    return {
      input: { kind: 'object', bucket: uploads.bucket, key, ...named(input) },
      known: { size: stored.bytes },
    };
  }
  checkImageFormat(input.bytes, 'image_base64');
  checkOutputLimit(input.bytes, manifest, parameters);
  const key = inputKey(owner.id, owner.requestHash);
  await uploads.put(key, input.bytes, { contentType: 'application/octet-stream' });
  return {
    input: { kind: 'object', bucket: uploads.bucket, key, ...named(input) },
    known: { bytes: input.bytes },
  };
}

const named = ({ name }: { readonly name?: string }) => (name === undefined ? {} : { name });

const settings = readFunctionsEnvironment(process.env);
const queue = connectQueue(settings);
const fleet = connectFleet(settings);
const log = createLogger('create-job');
export const handler = httpFunction(
  createJob(
    {
      ...connectJobs(settings),
      queue,
      holders: connectHolders(settings),
      catalog: connectCatalog(settings),
      uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
      results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
      predict: predictWork(fleet),
      grant: grantChannel(connectSecrets(settings), channelFrom(settings)),
      wake: wakeFleet({ fleet, scaler: connectScaler(settings), log }),
      refuseOverload: overloadCheck(queue, settings.OUTBOARD_MAX_QUEUED_JOBS),
    },
    settings,
  ),
  log,
);
