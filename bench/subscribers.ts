/**
 * Many listeners of many jobs on one machine, through the whole local stack: whether each hears how its job ended, and how
 * long a report of progress takes from the call that makes it to a listener's socket.
 *
 *   node bench/subscribers.ts [jobs] [listeners] [port]
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { API_KEY } from '../local/settings.ts';
import { startStack } from '../local/stack.ts';
import { connectJobs } from '../shared/aws/connect.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/log.ts';
import { temporaryDirectory } from './cases.ts';
import { median } from './median.ts';

const [jobCount = 200, listenerCount = 1_000, port = 3_900] = process.argv.slice(2).map(Number);
/** Connections that are being opened at a time. */
const OPENING = 20;
const REPORTS = 100;
const ENDED_WITHIN_MS = 300_000;

interface Accepted {
  readonly id: string;
  readonly channel: { readonly url: string };
}
interface Event {
  readonly type: string;
  readonly job: { readonly status: string; readonly progress?: { readonly completed: number } };
}

/** Does it with all items, so many at a time. */
async function each<Item>(items: readonly Item[], atATime: number, act: (item: Item) => Promise<void>) {
  const left = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (const item of left) await act(item);
    }),
  );
}

function listen(url: string, hear: (event: Event) => void): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.addEventListener('message', ({ data }) => hear(JSON.parse(String(data)) as Event));
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(socket));
    socket.addEventListener('error', () => reject(new Error(`no connection to ${url}`)));
  });
}

const directory = await temporaryDirectory();
const stack = await startStack({ port, directory, print: () => {} });
const picture = await sharp({ create: { width: 24, height: 16, channels: 3, background: '#468' } })
  .png()
  .toBuffer();

async function submit(): Promise<Accepted> {
  const answer = await fetch(`${stack.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'x-api-key': API_KEY, 'content-type': 'application/json', 'cache-control': 'no-cache' },
    body: JSON.stringify({
      model: 'super-resolution',
      upscale_factor: 2,
      image_base64: picture.toString('base64'),
    }),
  });
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Accepted;
}

/** Milliseconds from a worker's report to the socket of each listener of its job. */
async function latencies(listeners: number): Promise<number[]> {
  const settings = readFunctionsEnvironment(stack.environment);
  const { jobs } = connectJobs(settings, connectPublisher(settings, createLogger('bench')));
  const { id, channel } = await submit();
  const sentAt: number[] = [];
  const found: number[] = [];
  const sockets = await Promise.all(
    Array.from({ length: listeners }, () =>
      listen(channel.url, ({ type, job: { progress } }) => {
        const at = progress === undefined ? undefined : sentAt[progress.completed];
        if (type === 'progress' && at !== undefined) found.push(performance.now() - at);
      }),
    ),
  );
  const claimed = await jobs.claim(id, 'bench', new Date(), Date.now() + 600_000);
  if (claimed.kind !== 'claimed') throw new Error(`the job was ${claimed.kind}`);
  const claim = { id, fence: claimed.job.fence };
  for (let completed = 0; completed < REPORTS; completed += 1) {
    sentAt[completed] = performance.now();
    await jobs.report(claim, { phase: 'enlarging', completed, total: REPORTS, unit: 'tile' });
    await sleep(50);
  }
  await sleep(1_000);
  for (const socket of sockets) socket.close();
  await jobs.end(id, 'canceled', new Date());
  return found;
}

/** @returns how many listeners heard that their job succeeded, and the seconds that took after the worker went on */
async function everyoneHears(resume: () => void) {
  const accepted: Accepted[] = [];
  await each(Array.from({ length: jobCount }), OPENING, async () => {
    accepted.push(await submit());
  });
  const heard = new Set<number>();
  const sockets: WebSocket[] = [];
  const started = performance.now();
  await each([...Array(listenerCount).keys()], OPENING, async (listener) => {
    const { channel } = accepted[listener % jobCount] as Accepted;
    const socket = await listen(channel.url, ({ job }) => {
      if (job.status === 'succeeded') heard.add(listener);
    });
    sockets.push(socket);
  });
  const opened = performance.now();
  resume();
  while (heard.size < listenerCount && performance.now() - opened < ENDED_WITHIN_MS) await sleep(50);
  const ended = performance.now();
  for (const socket of sockets) socket.close();
  return { heard: heard.size, openSeconds: (opened - started) / 1000, endSeconds: (ended - opened) / 1000 };
}

try {
  const pid = stack.worker?.pid ?? 0;
  // The jobs wait until everybody listens; the first one is worked on by this process.
  process.kill(pid, 'SIGSTOP');
  const times = (await latencies(5)).toSorted((a, b) => a - b);
  const p = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? Number.NaN);
  console.log(
    `${times.length} of ${REPORTS * 5} reports heard, p50 ${Math.round(median(times))} ms, p99 ${p(0.99)} ms`,
  );
  const { heard, openSeconds, endSeconds } = await everyoneHears(() => process.kill(pid, 'SIGCONT'));
  console.log(
    `${heard} of ${listenerCount} listeners of ${jobCount} jobs heard the end; opened in ${openSeconds.toFixed(1)} s, all ended in ${endSeconds.toFixed(1)} s`,
  );
  if (heard < listenerCount) process.exitCode = 1;
} finally {
  await stack.close();
  await rm(directory, { recursive: true, force: true });
}
