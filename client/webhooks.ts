/** `outboard.webhooks`: the secrets that sign them, and what became of those of a job. */
import type { Delivery, DeliveryList, WebhookSecret } from './api-types.ts';
import type { Abortable, Http } from './http.ts';

export class Webhooks {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  secret({ signal }: Abortable = {}): Promise<WebhookSecret> {
    return this.#http.json('GET', '/v1/webhook-secret', { signal });
  }

  /** A new secret; messages are signed with it and with the one before. */
  rotate({ signal }: Abortable = {}): Promise<WebhookSecret> {
    return this.#http.json('POST', '/v1/webhook-secret/rotate', { signal, repeatable: false });
  }

  /** What the webhook of a job was told, newest first. */
  async deliveries(job: string, { signal }: Abortable = {}): Promise<readonly Delivery[]> {
    const answer: DeliveryList = await this.#http.json('GET', pathOf(job), { signal });
    return answer.deliveries;
  }

  /** The same event once more, under the same id. @throws OutboardApiError `delivery_not_found` */
  redeliver(job: string, delivery: string, { signal }: Abortable = {}): Promise<Delivery> {
    const path = `${pathOf(job)}/${encodeURIComponent(delivery)}/redeliver`;
    return this.#http.json('POST', path, { signal, repeatable: false });
  }
}

const pathOf = (job: string): string => `/v1/jobs/${encodeURIComponent(job)}/deliveries`;
