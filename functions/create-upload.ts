/** POST /v1/uploads: a presigned form for one file, bound to its type and size. The upload itself starts the job. */

import type { CatalogStore } from '../shared/aws/catalog-store.ts';
import { connectCatalog } from '../shared/aws/connect-catalog.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import { uploadKey } from '../shared/aws/input-keys.ts';
import type { ObjectStore } from '../shared/aws/object-store.ts';
import { type FunctionsEnvironment, readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { checkCreateUpload } from '../shared/requests.ts';
import { httpFunction, type Reply, type Request, readJson } from './http/edge.ts';
import { newUploadId, uploadJobId, uploadMetadata } from './jobs/upload.ts';
import { webhookFor } from './webhooks/asked.ts';

interface Services {
  readonly catalog: Pick<CatalogStore, 'consult'>;
  readonly uploads: Pick<ObjectStore, 'presignPost'>;
}

export function createUpload({ catalog, uploads }: Services, settings: FunctionsEnvironment) {
  return async (request: Request): Promise<Reply> => {
    const body = readJson(request, settings.OUTBOARD_MAX_BODY_BYTES);
    const checked = await catalog.consult((models) => checkCreateUpload(body, models));
    const webhook = webhookFor(checked.webhook, settings, request.baseUrl);
    const uploadId = newUploadId();
    const expiresSeconds = settings.OUTBOARD_UPLOAD_URL_SECONDS;
    const maxBytes = Math.min(
      checked.maxBytes ?? Number.POSITIVE_INFINITY,
      settings.OUTBOARD_MAX_INPUT_BYTES,
    );
    const form = await uploads.presignPost(uploadKey(request.tenant, uploadId), {
      maxBytes,
      contentType: checked.contentType,
      metadata: uploadMetadata(checked, webhook),
      expiresSeconds,
    });
    const jobId = uploadJobId(request.tenant, uploadId);
    return {
      status: 201,
      body: {
        upload_id: uploadId,
        url: form.url,
        fields: form.fields,
        max_bytes: maxBytes,
        expires_at: new Date(Date.now() + expiresSeconds * 1000).toISOString(),
        ...(checked.startJob
          ? { job: { id: jobId, links: { self: `${request.baseUrl}/v1/jobs/${jobId}` } } }
          : {}),
      },
    };
  };
}

const settings = readFunctionsEnvironment(process.env);
export const handler = httpFunction(
  createUpload(
    {
      catalog: connectCatalog(settings),
      uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
    },
    settings,
  ),
  createLogger('create-upload'),
);
