/** What tells listeners of a job. Its clients are loaded with the first job that anybody listens to. */
import type { Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { ServiceSettings } from './connect.ts';

export interface ChannelSettings extends ServiceSettings {
  readonly OUTBOARD_CHANNEL_ENDPOINT?: string | undefined;
  readonly OUTBOARD_RESULTS_BUCKET: string;
  readonly OUTBOARD_RESULT_URL_SECONDS: number;
}

/** What a store of jobs calls with every change. */
export function connectPublisher(settings: ChannelSettings, log: Logger): (job: Job) => Promise<void> {
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
