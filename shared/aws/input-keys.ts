/**
 * Where pictures that are sent lie in the uploads bucket. The upload trigger, the lifecycle rules, the functions' rights and
 * erasure all depend on these prefixes.
 */

/** Only keys under this prefix can start a job. */
export const UPLOAD_PREFIX = 'uploads/';

export const uploadKey = (tenant: string, uploadId: string): string =>
  `${UPLOAD_PREFIX}${tenant}/${uploadId}`;
/** Named by the request, so that another body under the same Idempotency-Key cannot overwrite the first picture. */
export const inputKey = (jobId: string, requestHash: string): string => `inputs/${jobId}/${requestHash}`;
export const inputPrefix = (jobId: string): string => `inputs/${jobId}/`;
