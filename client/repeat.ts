/** Repeating a request that may pass later: the network failed, or the server said 429 or 503. */

export interface RepeatOptions {
  /** How often a failed request is sent again; 0 means never. */
  readonly retries: number;
  readonly signal?: AbortSignal | undefined;
}

const TRY_LATER: ReadonlySet<number> = new Set([429, 503]);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A server that asks for more than this is out of quota, not out of breath: the caller should know now. */
const LONGEST_RETRY_AFTER_SECONDS = 60;

/**
 * @param send one attempt; it may be called several times
 * @returns the first answer that is not "try later", or the last one of all. @throws what the last attempt threw.
 */
export async function repeating(
  send: () => Promise<Response>,
  { retries, signal }: RepeatOptions,
): Promise<Response> {
  for (let failures = 0; ; failures += 1) {
    let askedSeconds = 0;
    try {
      const answer = await send();
      if (!TRY_LATER.has(answer.status) || failures >= retries) return answer;
      askedSeconds = retryAfterSeconds(answer) ?? 0;
      if (askedSeconds > LONGEST_RETRY_AFTER_SECONDS) return answer;
      await answer.body?.cancel();
    } catch (error) {
      if (signal?.aborted || failures >= retries) throw error;
    }
    await sleep(askedSeconds * 1000 + pauseMs(failures), signal);
  }
}

/** Seconds from now, of either form of the header. */
export function retryAfterSeconds({ headers }: Response): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Any time up to a bound that doubles, so that clients which failed together do not come back together. */
const pauseMs = (failures: number): number =>
  Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
