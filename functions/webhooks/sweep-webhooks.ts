/**
 * The clock of webhooks, and the net under them: whatever should have been told or sent by now gets a message. It finds
 * ends of jobs whose message was never sent, attempts whose sender died, and retries that SQS could not hold back long enough.
 */
import type { DeliveryStore } from '../../shared/aws/delivery-store.ts';
import type { WebhookQueue } from '../../shared/aws/webhook-queue.ts';
import type { Logger } from '../../shared/log.ts';
import type { WebhookMessage } from '../../shared/webhook.ts';

/** Woken, a thing is left alone for so long: a queue that is behind should not get each message again every minute. */
const LEAVE_ALONE_MS = 300_000;
/** Of one sweep; the rest is the next one's. */
const MOST = 4_000;
const AT_ONCE = 20;

interface Services {
  readonly deliveries: Pick<DeliveryStore, 'due' | 'postpone'>;
  readonly queue: Pick<WebhookQueue, 'send'>;
  readonly log: Logger;
}

export function sweepWebhooks(services: Services, clock: () => Date = () => new Date()) {
  /** @returns how many got a message */
  return async (): Promise<number> => {
    const now = clock();
    const due: WebhookMessage[] = [];
    for await (const message of services.deliveries.due(now)) {
      due.push(message);
      if (due.length === MOST) break;
    }
    let woken = 0;
    for (let start = 0; start < due.length; start += AT_ONCE) {
      const results = await Promise.all(
        due.slice(start, start + AT_ONCE).map((message) => wake(services, message, now)),
      );
      woken += results.filter((done) => done).length;
    }
    if (woken > 0) services.log.info({ woken }, 'sweep woke webhooks');
    return woken;
  };
}

async function wake(
  { deliveries, queue, log }: Services,
  message: WebhookMessage,
  now: Date,
): Promise<boolean> {
  try {
    const job = await deliveries.postpone(message, new Date(now.getTime() + LEAVE_ALONE_MS));
    if (job === undefined) return false;
    await queue.send(message, job);
    return true;
  } catch (error) {
    log.error({ err: error, ...message }, 'sweep could not wake a webhook; it is found again');
    return false;
  }
}
