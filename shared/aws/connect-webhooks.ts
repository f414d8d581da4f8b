/** What announces the ends of jobs to webhooks. Its client is loaded with the first job that a webhook wants to hear of. */
import type { Job } from '../job.ts';
import type { Logger } from '../log.ts';
import { isUntold } from '../webhook.ts';
import type { WebhookQueue } from './webhook-queue.ts';

export interface WebhookSettings {
  readonly AWS_REGION: string;
  readonly AWS_ENDPOINT_URL_SQS?: string | undefined;
  readonly OUTBOARD_WEBHOOK_QUEUE_URL?: string | undefined;
}

/**
 * What a store of jobs calls with every change: one message where a webhook has to be told. Never throws; a message that
 * is lost is found missing by the sweeper, because the row itself says that its end is untold.
 */
export function connectAnnouncer(settings: WebhookSettings, log: Logger): (job: Job) => Promise<void> {
  const { OUTBOARD_WEBHOOK_QUEUE_URL: url } = settings;
  let opening: Promise<WebhookQueue> | undefined;
  return async (job) => {
    if (!isUntold(job) || url === undefined) return;
    try {
      opening ??= import('./open-webhooks.ts').then(({ openWebhookQueue }) =>
        openWebhookQueue(settings, url),
      );
      await (await opening).send({ job_id: job.id }, job);
    } catch (error) {
      log.warn({ err: error, job_id: job.id }, 'could not announce the end of a job; the sweeper will');
    }
  };
}
