/** A stage to listen to: the whole local stack, whose worker can be held. */
import { rm } from 'node:fs/promises';
import sharp from 'sharp';
import { type Job, Outboard } from '../../client/outboard.ts';
import { API_KEY } from '../../local/settings.ts';
import { startStack } from '../../local/stack.ts';
import { temporaryDirectory } from '../cases.ts';

/** As a listener hears it. */
export interface JobEvent {
  readonly type: string;
  readonly job: { readonly status: string; readonly progress?: { readonly completed: number } };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function openStage(port: number) {
  const directory = await temporaryDirectory();
  const stack = await startStack({ port, directory, print: () => {} });
  const picture = await sharp({ create: { width: 24, height: 16, channels: 3, background: '#468' } })
    .png()
    .toBuffer();
  const outboard = new Outboard({ endpoint: stack.url, apiKey: API_KEY });
  const signal = (name: NodeJS.Signals) => process.kill(stack.worker?.pid ?? 0, name);
  return {
    environment: stack.environment,
    /** From now on jobs wait. */
    hold: () => signal('SIGSTOP'),
    release: () => signal('SIGCONT'),
    /** A job of a few milliseconds. */
    submit: () => outboard.submit('super-resolution', picture, { upscale_factor: 2 }, { noCache: true }),
    async close() {
      await stack.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A machine that is busy with a thousand others may refuse one at first. */
const MOST_TRIES = 5;

/** @returns once the connection is open */
export async function listen(job: Job, hear: (event: JobEvent) => void): Promise<WebSocket> {
  for (let tries = 1; ; tries += 1) {
    const socket = new WebSocket(job.channel?.url ?? '');
    socket.addEventListener('message', ({ data }) => hear(JSON.parse(String(data)) as JobEvent));
    const opened = await new Promise<boolean>((resolve) => {
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('error', () => resolve(false));
    });
    if (opened) return socket;
    if (tries === MOST_TRIES) throw new Error('A listener could not connect.');
  }
}
