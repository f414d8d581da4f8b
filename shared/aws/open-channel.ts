/** The clients behind a channel. */
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import type { Logger } from '../log.ts';
import { ChannelPublisher } from './channel-publisher.ts';
import { ChannelSender } from './channel-sender.ts';
import { connectChannels } from './connect.ts';
import type { ChannelSettings } from './connect-channel.ts';
import { connectObjects } from './connect-objects.ts';

export const openSender = (region: string, endpoint: string): ChannelSender =>
  new ChannelSender(new ApiGatewayManagementApiClient({ region, endpoint }));

export const openPublisher = (settings: ChannelSettings, endpoint: string, log: Logger): ChannelPublisher =>
  new ChannelPublisher({
    channels: connectChannels(settings),
    sender: openSender(settings.AWS_REGION, endpoint),
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
    linkSeconds: settings.OUTBOARD_RESULT_URL_SECONDS,
    log,
  });
