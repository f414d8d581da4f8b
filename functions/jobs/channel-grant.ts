/** What a client needs to listen to its job: where, and a token for that job alone. */
import type { SecretStore } from '../../shared/aws/secret-store.ts';
import { signChannelToken } from '../../shared/channel.ts';
import type { FunctionsEnvironment } from '../../shared/environment.ts';
import { isTerminal, type Job } from '../../shared/job.ts';

/** The name under which the stage keeps the secrets that sign tokens. */
export const CHANNEL_SECRET = 'channel';

interface ChannelView {
  readonly url: string;
  readonly token: string;
  readonly expires_at: string;
}

export const channelFrom = (settings: FunctionsEnvironment) => ({
  url: settings.OUTBOARD_CHANNEL_URL,
  seconds: settings.OUTBOARD_CHANNEL_SECONDS,
});

/** @returns undefined for a job that has ended, and where the stage has no channel */
export type GrantChannel = (job: Job) => Promise<ChannelView | undefined>;

/** @param url of the WebSocket API; @param seconds for which a token opens connections */
export function grantChannel(
  secrets: Pick<SecretStore, 'secrets'>,
  { url, seconds }: { readonly url: string | undefined; readonly seconds: number },
  now: () => number = Date.now,
): GrantChannel {
  return async ({ id, status }) => {
    if (url === undefined || isTerminal(status)) return undefined;
    const [secret = ''] = await secrets.secrets(CHANNEL_SECRET);
    const expires = Math.floor(now() / 1000) + seconds;
    const token = signChannelToken({ job: id, expires }, secret);
    return { url: `${url}?channel=${token}`, token, expires_at: new Date(expires * 1000).toISOString() };
  };
}
