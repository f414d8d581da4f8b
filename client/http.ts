/** One stage's API over HTTP: address, key, repetition, and every refusal as an OutboardApiError. */
import type { Problem } from './api-types.ts';
import { OutboardApiError, OutboardConnectionError } from './errors.ts';
import { repeating, retryAfterSeconds } from './repeat.ts';

export interface Connection {
  /** Scheme, host and stage, as in `https://abc.execute-api.eu-west-1.amazonaws.com/prod`. */
  readonly endpoint: string | URL;
  readonly apiKey: string;
  /** How often a request is repeated that met a network error, 429 or 503; default 4. */
  readonly retries?: number;
  /** false: jobs are followed by held requests alone and no WebSocket is opened. */
  readonly channels?: boolean;
  /** Instead of the global one: for a proxy, say. WebSockets do not go through it. */
  readonly fetch?: typeof fetch;
}

/** What every call takes. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

export interface ApiRequest extends Abortable {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** false: a second one could do something else than the first, so a lost answer is not repeated. */
  readonly repeatable?: boolean;
}

const USUAL_RETRIES = 4;
/** The API answers within 29 seconds or not at all. */
const ANSWER_WITHIN_MS = 60_000;

export class Http {
  readonly #endpoint: string;
  readonly #apiKey: string;
  readonly #retries: number;
  readonly #fetch: typeof fetch;

  constructor({ endpoint, apiKey, retries = USUAL_RETRIES, fetch: send = globalThis.fetch }: Connection) {
    // People copy the address of a route as often as that of the stage.
    this.#endpoint = new URL(endpoint).href.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#apiKey = apiKey;
    this.#retries = retries;
    // Browsers insist on window as the receiver.
    this.#fetch = (...args) => send.call(globalThis, ...args);
  }

  /** @returns the JSON of the answer. @throws OutboardApiError, OutboardConnectionError, or the signal's reason. */
  async json<Body>(method: string, route: string, request: ApiRequest = {}): Promise<Body> {
    const { body, query = {}, headers = {}, signal, repeatable = true } = request;
    const url = new URL(this.#endpoint + route);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const send = async () => {
      const timeout = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const answer = await this.#fetch(url, {
        method,
        headers: {
          'x-api-key': this.#apiKey,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      // Read here, so that a connection which breaks in the middle of an answer is repeated too.
      return new Response((await answer.text()) || null, answer);
    };
    const answer = await this.#attempt(url.href, send, repeatable ? this.#retries : 0, signal);
    if (!answer.ok) throw await refusal(answer);
    if (answer.status === 204) return undefined as Body;
    return answer.json().catch(() => {
      throw new OutboardApiError({
        status: answer.status,
        code: 'unexpected_answer',
        detail: `${url.origin} answered, but not as the Outboard API does.`,
      });
    }) as Promise<Body>;
  }

  /** A request to somewhere else than the API, without its key: presigned forms and links. */
  send(url: string, init: RequestInit & { signal?: AbortSignal }): Promise<Response> {
    return this.#attempt(url, () => this.#fetch(url, init), this.#retries, init.signal);
  }

  async #attempt(
    url: string,
    send: () => Promise<Response>,
    retries: number,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    try {
      return await repeating(send, { retries, signal });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new OutboardConnectionError(url, error);
    }
  }
}

async function refusal(answer: Response): Promise<OutboardApiError> {
  const problem = (await answer.json().catch(() => undefined)) as Partial<Problem> | undefined;
  return new OutboardApiError({
    status: answer.status,
    code: problem?.code ?? 'unexpected_answer',
    detail: problem?.detail ?? `The server answered ${answer.status}.`,
    field: problem?.field,
    requestId: answer.headers.get('x-amzn-requestid') ?? undefined,
    retryAfterSeconds: retryAfterSeconds(answer),
  });
}
