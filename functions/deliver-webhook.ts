/** Messages of the webhook queue → requests to receivers, one a call: a receiver that hangs holds up nobody else's. */
import type { SQSEvent } from 'aws-lambda';
import { connectDeliveries, connectJobs, connectSecrets } from '../shared/aws/connect.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import { openWebhookQueue } from '../shared/aws/open-webhooks.ts';
import { readWebhookMessage } from '../shared/aws/webhook-queue.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import type { WebhookMessage } from '../shared/webhook.ts';
import { deliverWebhook } from './webhooks/deliver.ts';

/** For one request to a receiver; what the function may take is three times that. */
const TIMEOUT_MS = 10_000;

export function onWebhookMessages(deliver: (message: WebhookMessage) => Promise<void>) {
  return async ({ Records: records }: Pick<SQSEvent, 'Records'>): Promise<void> => {
    for (const { body } of records) {
      const message = readWebhookMessage(body);
      if (message !== undefined) await deliver(message);
    }
  };
}

const settings = readFunctionsEnvironment(process.env);
const { OUTBOARD_WEBHOOK_QUEUE_URL: queue = '', OUTBOARD_WEBHOOK_DEAD_LETTERS_URL: deadLetters } = settings;
export const handler = onWebhookMessages(
  deliverWebhook({
    ...connectJobs(settings),
    deliveries: connectDeliveries(settings),
    // A rotation counts from its first moment: a receiver that was given the new secret has thrown the old one away.
    secrets: connectSecrets(settings, 0),
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
    queue: openWebhookQueue(settings, queue),
    deadLetters: deadLetters === undefined ? undefined : openWebhookQueue(settings, deadLetters),
    linkSeconds: settings.OUTBOARD_RESULT_URL_SECONDS,
    timeoutMs: TIMEOUT_MS,
    allowsLoopback: settings.OUTBOARD_WEBHOOK_LOOPBACK,
    log: createLogger('deliver-webhook'),
  }),
);
