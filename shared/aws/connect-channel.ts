/** What tells listeners and webhooks of a job. Clients are loaded with the first job that anybody wants to hear of. */
import type { Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { ServiceSettings } from './connect.ts';
import { connectAnnouncer, type WebhookSettings } from './connect-webhooks.ts';

export interface ChannelSettings extends ServiceSettings, WebhookSettings {
  readonly OUTBOARD_CHANNEL_ENDPOINT?: string | undefined;
  readonly OUTBOARD_RESULTS_BUCKET: string;
  readonly OUTBOARD_RESULT_URL_SECONDS: number;
}

/** What a store of jobs calls with every change. */
export function connectPublisher(settings: ChannelSettings, log: Logger): (job: Job) => Promise<void> {
  const tell = connectListeners(settings, log);
  const announce = connectAnnouncer(settings, log);
  return async (job) => {
    await Promise.all([tell(job), announce(job)]);
  };
}

function connectListeners(settings: ChannelSettings, log: Logger): (job: Job) => Promise<void> {
  const { OUTBOARD_CHANNEL_ENDPOINT: endpoint } = settings;
  if (endpoint === undefined) return async () => {};
  let opening: Promise<{ publish(job: Job): Promise<void> }> | undefined;
  return async (job) => {
    if ((job.watched_until ?? 0) * 1000 < Date.now()) return;
    opening ??= import('./open-channel.ts').then(({ openPublisher }) =>
      openPublisher(settings, endpoint, log),
    );
    await (await opening).publish(job);
  };
}
