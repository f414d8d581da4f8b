/** `outboard.models`: what can be asked for, with the JSON Schema of each model's parameters. */
import type { Model } from './api-types.ts';
import type { Abortable, Http } from './http.ts';

export class Models {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async list({ signal }: Abortable = {}): Promise<readonly Model[]> {
    const answer: { readonly models: readonly Model[] } = await this.#http.json('GET', '/v1/models', {
      signal,
    });
    return answer.models;
  }

  /** @param name a model, an alias or `name@version`. @throws OutboardApiError `unknown_model` */
  get(name: string, { signal }: Abortable = {}): Promise<Model> {
    return this.#http.json('GET', `/v1/models/${encodeURIComponent(name)}`, { signal });
  }
}
