/** The picture of a job as bytes in memory: from the uploads bucket, or from a public URL through the guard. */
import type { ObjectStore } from '../shared/aws/object-store.ts';
import { OutboardError } from '../shared/errors.ts';
import type { JobInput } from '../shared/job.ts';
import { download } from '../shared/net/download.ts';

interface FetchOptions {
  readonly uploads: Pick<ObjectStore, 'bucket' | 'get'>;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Origins that may be visited although their address is not public. */
  readonly allowedOrigins: readonly string[];
}

export type FetchInput = (input: JobInput, signal: AbortSignal) => Promise<Buffer>;

/** @throws input_not_found, input_too_large, or one of the url_ errors */
export function inputFetcher({ uploads, maxBytes, timeoutMs, allowedOrigins }: FetchOptions): FetchInput {
  return async (input, signal) => {
    if (input.kind === 'url') {
      const { bytes } = await download(input.url, { maxBytes, timeoutMs, signal, allowedOrigins });
      return bytes;
    }
    // The row names its bucket for people who read it; the worker reads from its own stage's bucket only.
    if (input.bucket !== uploads.bucket) throw new OutboardError('input_not_found');
    return uploads.get(input.key, maxBytes, signal);
  };
}
