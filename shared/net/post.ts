/**
 * One POST to a URL that a client gave. What counts of the answer is its status; the rest is read as far as a polite
 * server sends it and no further. A redirect is an answer like any other: following it is what the guard is there against.
 */
import { asOutboardError } from '../errors.ts';
import { type Guard, guardedClient } from './guarded-client.ts';

/** What is read of an answer's body before the connection is cut. */
const MOST_READ_BYTES = 16_384;

interface PostOptions extends Pick<Guard, 'allowedOrigins' | 'resolve' | 'permits'> {
  /** For the whole of it, the look-up of the name included. */
  readonly timeoutMs: number;
}

export type PostAnswer =
  | { readonly status: number; readonly retryAfter?: string }
  | { readonly status?: never; readonly failure: 'timeout' | 'unreachable' | 'forbidden' };

/** Never throws: whatever goes wrong out there is an answer. */
export async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  { timeoutMs, ...guard }: PostOptions,
): Promise<PostAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const client = await guardedClient(url, { ...guard, signal, field: 'webhook.url' });
    try {
      const path = url.pathname + url.search;
      const response = await client.request({ method: 'POST', path, headers, body, signal, reset: true });
      // The event is delivered with the status, however its body ends.
      await response.body.dump({ limit: MOST_READ_BYTES, signal }).catch(() => {});
      const retryAfter = response.headers['retry-after'];
      return {
        status: response.statusCode,
        ...(typeof retryAfter === 'string' ? { retryAfter } : {}),
      };
    } finally {
      await client.destroy();
    }
  } catch (thrown) {
    if (asOutboardError(thrown).code === 'url_forbidden') return { failure: 'forbidden' };
    return { failure: signal.aborted ? 'timeout' : 'unreachable' };
  }
}
