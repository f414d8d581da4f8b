/**
 * Following a job through its channel: changes are told within milliseconds, and nothing is asked in between. The socket is
 * only the faster way to the truth. Whenever it fails, the job is read by request, and where it cannot be opened at all
 * (a proxy, a policy, an old Node.js) the job is followed by requests alone.
 */
import type { Job } from './api-types.ts';
import { type Follow, longPolling } from './follow.ts';
import { Inbox } from './inbox.ts';
import type { Jobs } from './jobs.ts';
import { hasEnded } from './tasks.ts';

/** What the stage sends. `gone`: the job was deleted. */
type Message =
  | { readonly type: 'gone' }
  | {
      readonly type: 'snapshot' | 'status' | 'progress' | 'result';
      readonly seq: number;
      readonly job: Omit<Job, 'input' | 'links' | 'channel'>;
    };

/** When silence becomes a question, and when a question without an answer becomes a broken connection; milliseconds. */
export interface Patience {
  readonly open: number;
  /** A place in line moves without a change of the job. */
  readonly queued: number;
  /** Also keeps API Gateway from closing a connection as idle, which it does after ten minutes. */
  readonly running: number;
  readonly answer: number;
}

const USUAL: Patience = { open: 10_000, queued: 4_000, running: 30_000, answer: 15_000 };
/** Connections that failed in a row, before the rest is done by requests. */
const MOST_FAILURES = 3;
/** How long a request that stands in for a broken connection is held. */
const WAIT_SECONDS = 2;

export const byChannel = (jobs: Pick<Jobs, 'get'>, patience: Patience = USUAL): Follow =>
  async function* (id, options) {
    const { signal, progress } = options;
    for (let failures = 0; ; failures += 1) {
      const job = await jobs.get(id, { waitSeconds: failures === 0 ? 0 : WAIT_SECONDS, signal });
      yield job;
      if (hasEnded(job)) return;
      // Who wants the end alone has it by one held request, without a connection.
      const useless = !progress || job.channel === undefined || failures >= MOST_FAILURES;
      if (useless || typeof WebSocket === 'undefined') return yield* longPolling(jobs)(id, options);
      for await (const heard of listen(job, job.channel.url, patience, signal)) {
        failures = 0;
        yield heard;
        if (hasEnded(heard)) return;
      }
    }
  };

/** What is heard until the connection breaks, each state once and never an older one after a newer one. */
async function* listen(
  first: Job,
  url: string,
  patience: Patience,
  signal: AbortSignal | undefined,
): AsyncGenerator<Job, void, undefined> {
  let inbox: Inbox;
  try {
    inbox = new Inbox(url, signal);
  } catch {
    // A browser refuses ws: from a page that came by https:.
    return;
  }
  try {
    if (!(await inbox.opened(patience.open))) return;
    let { queue } = first;
    let newest = -1;
    let asked = true;
    let status = first.status;
    inbox.send('snapshot');
    for (;;) {
      const quiet = asked ? patience.answer : status === 'queued' ? patience.queued : patience.running;
      const text = await inbox.next(quiet);
      if (text === 'closed' || (text === 'quiet' && asked)) return;
      if (text === 'quiet') {
        inbox.send('snapshot');
        asked = true;
        continue;
      }
      const message = JSON.parse(text.data) as Message;
      // The next request says that the job is gone, as an error.
      if (message.type === 'gone') return;
      if (message.type === 'snapshot') asked = false;
      if (message.seq < newest) continue;
      newest = message.seq;
      status = message.job.status;
      if (message.type === 'snapshot') queue = message.job.queue;
      const { input, links, channel } = first;
      yield {
        ...message.job,
        input,
        links,
        ...(status === 'queued' && queue !== undefined ? { queue } : {}),
        ...(hasEnded(message.job) || channel === undefined ? {} : { channel }),
      };
    }
  } finally {
    inbox.close();
  }
}
