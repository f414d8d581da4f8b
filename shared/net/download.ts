/**
 * Fetches a file from a URL that a client gave, into memory. What would break if redirects were left to the HTTP
 * library: only the first address would be judged, and any public server could point us at a private one.
 *
 * A redirect from https to http is followed: plain http is accepted from the client as well, and the request carries
 * no secret that the downgrade could show (no cookies, no credentials, no Referer).
 * Nothing is ever decoded, so the limit on bytes is a limit on memory; a compressed answer is refused.
 */
import type { Dispatcher } from 'undici';
import { OutboardError } from '../errors.ts';
import { type Guard, guardedClient, parseHttpUrl } from './guarded-client.ts';

export interface DownloadOptions extends Omit<Guard, 'signal' | 'field'> {
  /** The largest file; 32 MiB by default. */
  readonly maxBytes?: number;
  /** For the whole of it: look-ups, redirects and the last byte; 30 s by default. */
  readonly timeoutMs?: number;
  /** 5 by default. */
  readonly maxRedirects?: number;
  /** Gives up early; `download` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The request field that errors name; `image_url` by default. */
  readonly field?: string;
}

export interface Download {
  readonly bytes: Buffer;
  /** Where the last redirect led. */
  readonly finalUrl: string;
  /** As the server said it: to be shown, not trusted. */
  readonly contentType: string | undefined;
}

const headers = { 'user-agent': 'outboard/0.1', accept: '*/*', 'accept-encoding': 'identity' };
const redirects = new Set([301, 302, 303, 307, 308]);
const compressed = /\b(gzip|compress|deflate|br|zstd)\b/i;

/**
 * Throws url_invalid, url_forbidden, url_unreachable, url_status, url_server_error (worth another try), url_timeout,
 * url_too_many_redirects or input_too_large. Their text tells nothing of an address that was not permitted.
 */
export async function download(address: string, options: DownloadOptions = {}): Promise<Download> {
  const { field = 'image_url', maxBytes = 32 * 2 ** 20, maxRedirects = 5 } = options;
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const { allowedOrigins, resolve, permits } = options;
  const guard: Guard = { signal, field, allowedOrigins, resolve, permits };
  try {
    let url = parseHttpUrl(address, field);
    for (let hops = 0; hops <= maxRedirects; hops++) {
      const answer = await get(url, guard, maxBytes);
      if (!(answer instanceof URL)) return answer;
      url = answer;
    }
    throw new OutboardError('url_too_many_redirects', { field, detail: `The limit is ${maxRedirects}.` });
  } catch (thrown) {
    if (thrown instanceof OutboardError) throw thrown;
    options.signal?.throwIfAborted();
    throw new OutboardError(deadline.aborted ? 'url_timeout' : 'url_unreachable', { field, cause: thrown });
  }
}

/** One request: the file, or where the server sends us instead. */
async function get(url: URL, guard: Guard, maxBytes: number): Promise<Download | URL> {
  const { signal, field } = guard;
  const client = await guardedClient(url, guard);
  try {
    const path = url.pathname + url.search;
    const response = await client.request({ method: 'GET', path, headers, signal, reset: true });
    const { location, 'content-type': contentType, 'content-encoding': encoding } = response.headers;
    if (redirects.has(response.statusCode) && location !== undefined) {
      return parseHttpUrl(String(location), field, url);
    }
    assertOk(response.statusCode, field);
    if (compressed.test(String(encoding))) {
      throw new OutboardError('url_status', { field, detail: 'It sent the file compressed, unasked.' });
    }
    const bytes = await readCapped(response, maxBytes, field);
    return { bytes, finalUrl: url.href, contentType: contentType?.toString() };
  } finally {
    await client.destroy();
  }
}

/** 200 alone is the file: 204 has none and 206 is a part that nobody asked for. */
function assertOk(status: number, field: string): void {
  if (status === 200) return;
  const passing = status >= 500 || [408, 425, 429].includes(status);
  const code = passing ? 'url_server_error' : 'url_status';
  throw new OutboardError(code, { field, detail: `It answered ${status}.` });
}

async function readCapped(
  response: Dispatcher.ResponseData,
  maxBytes: number,
  field: string,
): Promise<Buffer> {
  const tooLarge = () =>
    new OutboardError('input_too_large', { field, detail: `The limit is ${maxBytes} bytes.` });
  const declared = Number(response.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge();

  // One growing buffer and no list of chunks: a server that sends single bytes would make the list cost 100 times
  // the bytes in it.
  let buffer = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(declared, 2 ** 16)));
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    const needed = size + chunk.length;
    if (needed > maxBytes) throw tooLarge();
    if (needed > buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(needed, buffer.length * 2)));
      buffer.copy(larger, 0, 0, size);
      buffer = larger;
    }
    chunk.copy(buffer, size);
    size = needed;
  }
  return buffer.subarray(0, size);
}
