/** Following a job through its channel, and what becomes of that when the connection is no good. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { byChannel, type Patience } from '../../client/channel.ts';
import { eventsOf } from '../../client/events.ts';
import { Http } from '../../client/http.ts';
import { Jobs } from '../../client/jobs.ts';
import { type Job, Outboard } from '../../client/outboard.ts';
import { API_KEY, HOST } from '../../local/settings.ts';
import { noise, png } from '../e2e/pictures.ts';
import { setup } from '../e2e/setup.ts';

const { url, ports, send, workerPid } = setup(5600);
const PATIENCE: Patience = { open: 5_000, queued: 300, running: 300, answer: 1_000 };
/** Seconds of work. */
const picture = png(noise(900, 700)).then((bytes) => new Blob([new Uint8Array(bytes)]));

/** A wire to the stage's sockets that can be cut, or go dead as after a laptop's sleep. */
async function startWire() {
  const ends = new Set<Socket>();
  const state = { refusing: false, dead: false, connections: 0 };
  const server = createServer((client) => {
    if (state.refusing) return client.destroy();
    state.connections += 1;
    const stage = connect(ports.websocket, HOST);
    for (const end of [client, stage]) {
      ends.add(end);
      end.on('error', () => end.destroy());
    }
    client.pipe(stage);
    stage.on('data', (bytes) => state.dead || client.write(bytes));
    stage.on('close', () => client.destroy());
    client.on('close', () => stage.destroy());
  }).listen(0, HOST);
  await once(server, 'listening');
  const cut = () => {
    for (const end of ends) end.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { state, cut, port: (server.address() as AddressInfo).port };
}

/** A client whose sockets go by the wire, and that counts how often it reads the job. */
async function connected() {
  const wire = await startWire();
  const reads: string[] = [];
  const connection = {
    endpoint: url,
    apiKey: API_KEY,
    fetch: async (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
      const answer = await fetch(input, init);
      if (!String(input).startsWith(url)) return answer;
      if (init?.method === 'GET') reads.push(String(input));
      const text = await answer.text();
      return new Response(text.replaceAll(`:${ports.websocket}`, `:${wire.port}`) || null, answer);
    },
  };
  const outboard = new Outboard(connection);
  const { id } = await outboard.submit('super-resolution', await picture);
  const watch = () => eventsOf(byChannel(new Jobs(new Http(connection)), PATIENCE)(id, { progress: true }));
  return { wire, reads, outboard, id, watch };
}

/** But for links, which are signed anew each time. */
const kept = ({ links: _, channel: __, input: { url: ___, ...input }, ...job }: Job) => ({
  ...job,
  input,
  output: Object.keys(job.output ?? {}),
});

it('asks once, hears the rest, and ends with what a request would have answered', async () => {
  const { reads, outboard, id } = await connected();
  const progress: number[] = [];
  const job = await outboard.wait(id, { onProgress: ({ completed }) => progress.push(completed) });
  expect(reads).toHaveLength(1);
  expect(progress.length).toBeGreaterThan(1);
  expect(kept(job)).toEqual(kept(await outboard.jobs.get(id)));
  expect(job.links.self).toBe(`${url}/v1/jobs/${id}`);
});

it('tells the place in line while the job waits, and how it moves', async () => {
  process.kill(workerPid(), 'SIGSTOP');
  onTestFinished(() => void process.kill(workerPid(), 'SIGCONT'));
  const first = await connected();
  const second = await connected();
  const places: (number | undefined)[] = [];
  for await (const { type, job } of second.watch()) {
    if (job.status === 'queued') places.push(job.queue?.position);
    if (places.length === 1) await first.outboard.jobs.cancel(first.id);
    if (places.at(-1) === 1) process.kill(workerPid(), 'SIGCONT');
    if (type === 'result') expect(job.queue).toBe(undefined);
  }
  expect(places).toEqual([2, 1]);
  expect(second.reads).toHaveLength(1);
});

it('goes on over a new connection when one is cut', async () => {
  const { wire, reads, watch } = await connected();
  const seen: Job[] = [];
  for await (const { type, job } of watch()) {
    if (type === 'progress' && seen.length === 0) wire.cut();
    if (type !== 'status') seen.push(job);
  }
  expect(wire.state.connections).toBe(2);
  expect(seen.at(-1)).toMatchObject({ status: 'succeeded', output: { upscale_factor: 4 } });
  const tiles = seen.flatMap(({ progress }) => (progress?.phase === 'enlarging' ? [progress.completed] : []));
  expect(tiles).toEqual([...tiles].sort((a, b) => a - b));
  expect(reads).toHaveLength(2);
});

it('notices a connection that is open and dead', async () => {
  const { wire, watch } = await connected();
  const seen: Job[] = [];
  for await (const { job } of watch()) {
    if (seen.length === 0) wire.state.dead = true;
    seen.push(job);
  }
  expect(seen.at(-1)?.status).toBe('succeeded');
  expect(wire.state.connections).toBeGreaterThan(1);
});

it('follows by requests where no socket can be opened, and where none is wanted', async () => {
  const { wire, reads, watch, id } = await connected();
  wire.state.refusing = true;
  const types: string[] = [];
  for await (const { type } of watch()) types.push(type);
  expect(types.at(-1)).toBe('result');
  expect(types).toContain('progress');
  expect(reads.length).toBeGreaterThan(2);
  const polling = new Outboard({ endpoint: url, apiKey: API_KEY, channels: false });
  expect(await polling.wait(id, { onProgress: () => {} })).toMatchObject({ id, status: 'succeeded' });
});

it('says that a job is gone, and stops when it is told to', async () => {
  const { outboard, id, watch } = await connected();
  const leave = new AbortController();
  const waiting = outboard.wait(id, {
    onProgress: () => leave.abort(new Error('enough')),
    signal: leave.signal,
  });
  await expect(waiting).rejects.toThrow('enough');
  const deleted = (async () => {
    for await (const event of watch()) {
      if (event.type === 'result') break;
      await send('POST', `/v1/jobs/${id}/cancel`);
      await send('DELETE', `/v1/jobs/${id}`);
    }
  })();
  await expect(deleted).rejects.toMatchObject({ code: 'job_not_found' });
});
