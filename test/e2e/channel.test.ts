/** A job's channel as a page uses it: a snapshot, what changes, and the result; for whoever holds the token of that job. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { connectChannels } from '../../shared/aws/connect.ts';
import { signChannelToken } from '../../shared/channel.ts';
import { type JobView, setup } from './setup.ts';

const fixture = (name: string) => readFile(path.resolve(import.meta.dirname, '../fixtures', name));
/** Many tiles of a fast model, so that there is progress to tell. */
const wide = await sharp(await fixture('photo.jpg'))
  .resize(1200, 900)
  .jpeg()
  .toBuffer();
const small = (await fixture('photo-small.png')).toString('base64');

const { submit, ended, send, download, settings } = setup(6010);
const slow = { image_base64: wide.toString('base64'), upscale_factor: 4 };

interface ChannelEvent {
  readonly type: 'snapshot' | 'status' | 'progress' | 'result' | 'gone';
  readonly seq: number;
  readonly job: JobView;
}

/** A listener that asks for a snapshot when it is connected, and keeps what it hears. */
async function listen(url: string) {
  const events: ChannelEvent[] = [];
  const socket = new WebSocket(url);
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve(code)),
  );
  const waiters = new Set<() => void>();
  socket.addEventListener('message', ({ data }) => {
    events.push(JSON.parse(String(data)) as ChannelEvent);
    for (const wake of waiters) wake();
  });
  const opened = await new Promise<boolean>((resolve) => {
    socket.addEventListener('open', () => resolve(true));
    socket.addEventListener('error', () => resolve(false));
  });
  if (opened) socket.send('snapshot');
  return {
    opened,
    events,
    closed,
    close: () => socket.close(),
    /** The first event that fits, heard already or still to come. */
    heard: async (fits: (event: ChannelEvent) => boolean): Promise<ChannelEvent> => {
      for (;;) {
        const found = events.find(fits);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiters.add(resolve));
      }
    },
  };
}

it('tells a listener everything from the first moment to the result, in order', async () => {
  const { id, channel } = await submit(slow);
  expect(channel).toMatchObject({
    url: expect.stringContaining(channel?.token ?? '-'),
    expires_at: expect.any(String),
  });
  const listener = await listen(channel?.url ?? '');
  const result = await listener.heard(({ type }) => type === 'result');
  const progress = listener.events.filter(({ type }) => type === 'progress');
  expect(listener.events.some(({ type }) => type === 'snapshot')).toBe(true);
  const tiles = progress.flatMap(({ job }) =>
    job.progress?.phase === 'enlarging' ? [job.progress.completed] : [],
  );
  expect(tiles.length).toBeGreaterThan(1);
  expect(tiles).toEqual([...tiles].sort((a, b) => a - b));
  expect(progress.some(({ job }) => (job.progress?.eta_seconds ?? 0) > 0)).toBe(true);
  expect(result.job).toMatchObject({ id, status: 'succeeded', output: { upscale_factor: 4 } });
  expect(Math.max(...listener.events.map(({ seq }) => seq))).toBe(result.seq);
  expect((await download(result.job.output?.sr_image_url)).length).toBeGreaterThan(1000);
  listener.close();
});

it('loses nothing over a reconnect: the snapshot is the truth', async () => {
  const { id, channel } = await submit(slow);
  const first = await listen(channel?.url ?? '');
  const before = await first.heard(({ type }) => type === 'progress');
  first.close();
  await first.closed;
  await ended(id);
  const second = await listen(channel?.url ?? '');
  const snapshot = await second.heard(({ type }) => type === 'snapshot');
  expect(snapshot.seq).toBeGreaterThan(before.seq);
  expect(snapshot.job).toMatchObject({
    id,
    status: 'succeeded',
    output: { sr_image_url: expect.any(String) },
  });
  second.close();
});

it('tells of a cancel, which no worker makes', async () => {
  const { id, channel } = await submit(slow);
  const listener = await listen(channel?.url ?? '');
  await listener.heard(({ type }) => type === 'snapshot');
  expect((await send('POST', `/v1/jobs/${id}/cancel`)).status).toBe(200);
  expect((await listener.heard(({ type }) => type === 'result')).job).toMatchObject({
    id,
    status: 'canceled',
  });
  listener.close();
});

it('opens for the token of a job alone: not without, not changed, not over, not for a job that is gone', async () => {
  const { id, channel } = await submit({ image_base64: small });
  const [base = '', token = ''] = (channel?.url ?? '').split('?channel=');
  await ended(id);
  const forged = signChannelToken({ job: id, expires: Date.now() / 1000 + 60 }, 'another secret');
  const [, signature] = token.split('.');
  const longer = Buffer.from(JSON.stringify({ job: id, expires: Date.now() })).toString('base64url');
  for (const bad of [
    '',
    `?channel=`,
    `?channel=${forged}`,
    `?channel=${longer}.${signature}`,
    '?channel=a.b.c',
  ]) {
    const { opened } = await listen(base + bad);
    expect(opened, bad).toBe(false);
  }
  await send('DELETE', `/v1/jobs/${id}`);
  expect((await listen(channel?.url ?? '')).opened).toBe(false);
});

it('tells each of many listeners how its job ended', async () => {
  const jobs = await Promise.all(Array.from({ length: 6 }, () => submit({ image_base64: small })));
  const listeners = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const { id, channel } = jobs[index % jobs.length] as JobView;
      return { id, ...(await listen(channel?.url ?? '')) };
    }),
  );
  expect(listeners.every(({ opened }) => opened)).toBe(true);
  for (const { id, heard, close } of listeners) {
    expect((await heard(({ job }) => job.status === 'succeeded')).job.id).toBe(id);
    close();
  }
}, 180_000);

it('forgets connections that are closed, and gives no channel to a job that has ended', async () => {
  const { id, channel } = await submit({ image_base64: small });
  const channels = connectChannels(settings);
  const listener = await listen(channel?.url ?? '');
  await listener.heard(({ type }) => type === 'snapshot');
  expect(await channels.connectionsOf(id)).toHaveLength(1);
  listener.close();
  await expect.poll(() => channels.connectionsOf(id)).toEqual([]);
  expect(await ended(id)).not.toHaveProperty('channel');
});
