/**
 * Tells those who listen to a job what its row says now. Nothing depends on it: whoever misses an event sees the next
 * one, or the snapshot after a reconnect, and a failure here is logged and never the job's.
 */
import type { Job } from '../job.ts';
import { channelEvent, type ResultLinks } from '../job-view.ts';
import type { Logger } from '../log.ts';
import type { ChannelSender } from './channel-sender.ts';
import type { ChannelStore } from './channel-store.ts';

interface Services {
  readonly channels: Pick<ChannelStore, 'connectionsOf' | 'leave'>;
  readonly sender: Pick<ChannelSender, 'send'>;
  readonly results: ResultLinks;
  readonly linkSeconds: number;
  readonly log: Logger;
}

export class ChannelPublisher {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Sends the job's state to each of its listeners. Never throws. */
  async publish(job: Job): Promise<void> {
    const { channels, sender, results, linkSeconds, log } = this.#services;
    try {
      const [connections, event] = await Promise.all([
        channels.connectionsOf(job.id),
        channelEvent(job, results, linkSeconds),
      ]);
      await Promise.all(
        connections.map(async (connection) => {
          if (!(await sender.send(connection, event))) await channels.leave(connection);
        }),
      );
    } catch (error) {
      log.warn({ err: error, job_id: job.id }, 'could not tell the listeners of a job');
    }
  }
}
