/**
 * What an upload says about its job. The parameters travel as metadata that the presigned form fixes, so the file
 * and its request arrive together and the sender can change neither; no row exists until the file does.
 */
import * as z from 'zod';
import { UPLOAD_PREFIX } from '../../shared/aws/input-keys.ts';
import { OutboardError } from '../../shared/errors.ts';
import { deriveJobId, jobPriorities, newJobId, type Webhook } from '../../shared/job.ts';
import type { CheckedUploadRequest } from '../../shared/requests.ts';

const METADATA_NAME = 'outboard-request';
/** S3 keeps no more beside an object, names included. */
const MOST_METADATA_BYTES = 2_048;

const uploadRequest = z.object({
  model: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  image_name: z.string().optional(),
  start_job: z.boolean(),
  priority: z.enum(jobPriorities).optional(),
  webhook: z.object({ url: z.string(), events: z.array(z.string()).readonly(), api: z.string() }).optional(),
});
export type UploadRequest = z.infer<typeof uploadRequest>;

export const newUploadId = (): string => newJobId().replace(/^job_/, 'upl_');

/** Known before the file arrives, and the same for every event about it. */
export const uploadJobId = (tenant: string, uploadId: string): string =>
  deriveJobId(tenant, 'upload', uploadId);

/** @throws invalid_request where it does not fit */
export function uploadMetadata(checked: CheckedUploadRequest, webhook?: Webhook): Record<string, string> {
  const request: UploadRequest = {
    model: checked.model,
    parameters: checked.parameters,
    image_name: checked.imageName,
    start_job: checked.startJob,
    priority: checked.priority,
    webhook,
  };
  const text = Buffer.from(JSON.stringify(request)).toString('base64url');
  if (METADATA_NAME.length + text.length > MOST_METADATA_BYTES) {
    throw new OutboardError('invalid_request', {
      detail: 'image_name and webhook.url together are too long for an upload.',
      field: 'image_name',
    });
  }
  return { [METADATA_NAME]: text };
}

/** @returns undefined for a file that did not come through POST /v1/uploads. */
export function readUploadMetadata(metadata: Readonly<Record<string, string>>): UploadRequest | undefined {
  const text = metadata[METADATA_NAME];
  if (text === undefined) return undefined;
  try {
    return uploadRequest.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    return undefined;
  }
}

/** What the queue takes as the group of a message; the ids of API keys are shorter and plainer. */
const TENANT = /^[\x21-\x7e]{1,128}$/;

/** `uploads/<tenant>/<name>` taken apart. @returns undefined for any other key: it must not start a job. */
export function readUploadKey(key: string): { tenant: string; name: string } | undefined {
  if (!key.startsWith(UPLOAD_PREFIX)) return undefined;
  const [tenant = '', ...rest] = key.slice(UPLOAD_PREFIX.length).split('/');
  const name = rest.join('/');
  return TENANT.test(tenant) && name !== '' ? { tenant, name } : undefined;
}
