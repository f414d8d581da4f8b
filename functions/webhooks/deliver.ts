/**
 * One wake-up of a webhook: what it names is claimed, sent and settled, each in one write that a repeat cannot do twice.
 *   1. a job whose end is untold gets the row of a delivery, and only then is it noted as told;
 *   2. the delivery is claimed: one attempt at a time, and none before its time;
 *   3. it is signed and sent, and what came of it is written down.
 * A crash between any two steps leaves a row that the sweeper finds.
 */
import { type DeliveryStore, isSoon, type Verdict } from '../../shared/aws/delivery-store.ts';
import type { JobStore } from '../../shared/aws/job-store.ts';
import type { SecretStore } from '../../shared/aws/secret-store.ts';
import type { WebhookQueue } from '../../shared/aws/webhook-queue.ts';
import { OutboardError } from '../../shared/errors.ts';
import type { ResultLinks } from '../../shared/job-view.ts';
import type { Logger } from '../../shared/log.ts';
import { type PostAnswer, post } from '../../shared/net/post.ts';
import { isLoopback, webhookTarget } from '../../shared/net/webhook-target.ts';
import { type Delivery, type DeliveryAttempt, isUntold, type WebhookMessage } from '../../shared/webhook.ts';
import { messageBody, messageHeaders } from './message.ts';
import { openDelivery } from './open-delivery.ts';
import { webhookSecret } from './secret.ts';
import { reasonOf, verdictOn } from './verdict.ts';

/** More than an attempt can take, its writes included. */
const LEASE_MS = 60_000;

export interface DeliverServices {
  readonly jobs: Pick<JobStore, 'get' | 'markTold'>;
  readonly deliveries: Pick<DeliveryStore, 'open' | 'claim' | 'settle' | 'restart'>;
  readonly secrets: Pick<SecretStore, 'secrets'>;
  readonly results: ResultLinks;
  readonly queue: Pick<WebhookQueue, 'send'>;
  /** Undefined where what is given up is only logged. */
  readonly deadLetters: Pick<WebhookQueue, 'send'> | undefined;
  readonly linkSeconds: number;
  readonly timeoutMs: number;
  readonly allowsLoopback: boolean;
  /** All addresses of a name; the system's resolver by default. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  readonly log: Logger;
}

interface Chance {
  readonly clock: () => Date;
  /** Between 0 and 1. */
  readonly random: () => number;
}

const real: Chance = { clock: () => new Date(), random: Math.random };

export function deliverWebhook(services: DeliverServices, chance: Partial<Chance> = {}) {
  const { clock, random } = { ...real, ...chance };
  return async (message: WebhookMessage): Promise<void> => {
    const id = await deliveryFor(services, message, clock());
    const delivery = id === undefined ? undefined : await services.deliveries.claim(id, clock(), LEASE_MS);
    if (delivery === undefined) return;
    const begun = clock();
    const started = performance.now();
    const answer = await attempt(services, delivery, begun);
    const reason = reasonOf(answer);
    const done = {
      at: begun.toISOString(),
      duration_ms: Math.round(performance.now() - started),
      ...(answer.status === undefined ? {} : { status: answer.status }),
      ...(reason === undefined ? {} : { reason }),
    };
    const verdict = verdictOn(answer, delivery, clock(), random());
    services.log.info(
      { delivery: delivery.delivery_id, job_id: delivery.job.id, verdict: verdict.kind, ...done },
      'webhook attempted',
    );
    if (verdict.kind === 'failed' && verdict.dead) await bury(services, delivery);
    if ((await services.deliveries.settle(delivery, done, verdict)) === undefined) return;
    if (verdict.kind === 'retry') await wakeAgain(services, delivery, verdict, done, clock());
  };
}

/** @returns undefined where there is nothing to send */
async function deliveryFor(
  { jobs, deliveries }: DeliverServices,
  message: WebhookMessage,
  now: Date,
): Promise<string | undefined> {
  if ('job_id' in message) {
    const job = await jobs.get(message.job_id);
    if (job !== undefined && isUntold(job)) return openDelivery({ jobs, deliveries }, job, now);
    // Somebody opened it in the meantime; it waits for this message too.
    return job?.deliveries?.at(-1);
  }
  if (message.again === true) await deliveries.restart(message.delivery_id, now);
  return message.delivery_id;
}

async function attempt(services: DeliverServices, delivery: Delivery, now: Date): Promise<PostAnswer> {
  const { secrets, results, linkSeconds, timeoutMs, allowsLoopback, resolve } = services;
  const [body, keys] = await Promise.all([
    messageBody(delivery, results, linkSeconds),
    secrets.secrets(webhookSecret(delivery.job.tenant)),
  ]);
  const headers = messageHeaders(delivery.delivery_id, body, keys, now);
  try {
    const url = webhookTarget(delivery.url, allowsLoopback);
    const allowedOrigins = allowsLoopback && isLoopback(url) ? [url.origin] : [];
    return await post(url, headers, body, { timeoutMs, allowedOrigins, resolve });
  } catch (error) {
    // Accepted under other rules than those of now.
    if (error instanceof OutboardError) return { failure: 'forbidden' };
    throw error;
  }
}

/** Where an operator sees it, and can put it back: with `again` it starts anew. */
async function bury(
  { deadLetters, log }: DeliverServices,
  { delivery_id, job, url }: Delivery,
): Promise<void> {
  log.error({ delivery: delivery_id, job_id: job.id, host: URL.parse(url)?.host }, 'webhook given up');
  await deadLetters?.send({ delivery_id, again: true }, job);
}

/** A short wait is the queue's; a long one the sweeper's, which finds the row when it is due. */
async function wakeAgain(
  { queue, log }: DeliverServices,
  { delivery_id, job }: Delivery,
  { at }: Extract<Verdict, { kind: 'retry' }>,
  done: DeliveryAttempt,
  now: Date,
): Promise<void> {
  if (!isSoon(at, done)) return;
  try {
    await queue.send({ delivery_id }, job, (at.getTime() - now.getTime()) / 1000);
  } catch (error) {
    log.warn({ err: error, delivery: delivery_id }, 'could not send a wake-up; the sweeper will');
  }
}
