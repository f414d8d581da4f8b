/**
 * The WebSocket API: `?channel=TOKEN` opens a connection that hears of one job. Any message is answered with a snapshot,
 * which is what a listener asks for first and after each reconnect; then changes come as they happen. A place in line moves
 * without a change of the job, so it is told in snapshots alone.
 */
import type { APIGatewayProxyResult, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import type { ChannelSender } from '../shared/aws/channel-sender.ts';
import type { ChannelStore } from '../shared/aws/channel-store.ts';
import { connectChannels, connectFleet, connectJobs, connectSecrets } from '../shared/aws/connect.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import type { JobStore } from '../shared/aws/job-store.ts';
import { openSender } from '../shared/aws/open-channel.ts';
import type { SecretStore } from '../shared/aws/secret-store.ts';
import { readChannelToken } from '../shared/channel.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import type { Job } from '../shared/job.ts';
import { type ResultLinks, snapshot } from '../shared/job-view.ts';
import { createLogger, type Logger } from '../shared/log.ts';
import { CHANNEL_SECRET } from './jobs/channel-grant.ts';
import { queueView } from './jobs/queue-view.ts';

interface Services {
  readonly jobs: Pick<JobStore, 'get'>;
  readonly channels: Pick<ChannelStore, 'subscribe' | 'jobOf' | 'leave'>;
  readonly secrets: Pick<SecretStore, 'secrets'>;
  readonly sender: Pick<ChannelSender, 'send'>;
  readonly queued: ReturnType<typeof queueView>;
  readonly results: ResultLinks;
  readonly linkSeconds: number;
  readonly log: Logger;
}

/** $connect carries the query of the request, which the type of the other routes does not know. */
type SocketEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
};

export function channel(services: Services, clock: () => Date = () => new Date()) {
  return async (event: SocketEvent): Promise<APIGatewayProxyResult> => {
    const { connectionId, eventType } = event.requestContext;
    try {
      if (eventType === 'CONNECT') return { statusCode: await open(services, event, clock()), body: '' };
      if (eventType === 'DISCONNECT') await services.channels.leave(connectionId);
      else await tell(services, connectionId);
      return { statusCode: 200, body: '' };
    } catch (error) {
      services.log.error({ err: error, connection: connectionId }, 'channel failed');
      return { statusCode: 500, body: '' };
    }
  };
}

/** @returns the status that API Gateway answers the handshake with */
async function open({ secrets, channels }: Services, event: SocketEvent, now: Date): Promise<number> {
  const token = event.queryStringParameters?.channel ?? '';
  const grant = readChannelToken(token, await secrets.secrets(CHANNEL_SECRET), now);
  if (grant === undefined) return 401;
  const job = await channels.subscribe(grant.job, event.requestContext.connectionId, now);
  return job === undefined ? 404 : 200;
}

/** A connection cannot be written to before its handshake is answered, so the first snapshot is asked for too. */
async function tell(services: Services, connection: string): Promise<void> {
  const { jobs, channels, sender } = services;
  const id = await channels.jobOf(connection);
  const job = id === undefined ? undefined : await jobs.get(id);
  const message =
    job === undefined
      ? { type: 'gone' as const }
      : { type: 'snapshot' as const, ...(await wholeTruth(services, job)) };
  if (!(await sender.send(connection, message))) await channels.leave(connection);
}

async function wholeTruth({ queued, results, linkSeconds }: Services, job: Job) {
  const [{ seq, job: state }, queue] = await Promise.all([snapshot(job, results, linkSeconds), queued(job)]);
  return { seq, job: { ...state, queue } };
}

const settings = readFunctionsEnvironment(process.env);
const { jobs, index } = connectJobs(settings);
export const handler = channel({
  jobs,
  queued: queueView({
    index,
    fleet: connectFleet(settings),
    startSeconds: settings.OUTBOARD_START_SECONDS,
  }),
  channels: connectChannels(settings),
  secrets: connectSecrets(settings),
  sender: openSender(settings.AWS_REGION, settings.OUTBOARD_CHANNEL_ENDPOINT ?? ''),
  results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
  linkSeconds: settings.OUTBOARD_RESULT_URL_SECONDS,
  log: createLogger('channel'),
});
