/** The webhook of a request, judged as far as that can be done before there is anything to send. */
import type { FunctionsEnvironment } from '../../shared/environment.ts';
import { OutboardError } from '../../shared/errors.ts';
import type { Webhook } from '../../shared/job.ts';
import { webhookTarget } from '../../shared/net/webhook-target.ts';
import type { CheckedJobRequest } from '../../shared/requests.ts';

type Settings = Pick<FunctionsEnvironment, 'OUTBOARD_WEBHOOK_QUEUE_URL' | 'OUTBOARD_WEBHOOK_LOOPBACK'>;

/** @param api where the client reached the API @throws webhook_url_invalid, webhook_url_forbidden */
export function webhookFor(
  asked: CheckedJobRequest['webhook'],
  settings: Settings,
  api: string,
): Webhook | undefined {
  if (asked === undefined) return undefined;
  if (settings.OUTBOARD_WEBHOOK_QUEUE_URL === undefined) {
    throw new OutboardError('invalid_request', { detail: 'This stage has no webhooks.', field: 'webhook' });
  }
  const url = webhookTarget(asked.url, settings.OUTBOARD_WEBHOOK_LOOPBACK);
  return { url: url.href, events: [...new Set(asked.events)], api };
}
