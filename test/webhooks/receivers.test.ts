/**
 * Receivers as they are: down, slow, redirecting, failing for an hour, gone. No job waits for any of them, and every event
 * arrives once its receiver is back. Time is virtual: a day takes seconds.
 */
import { expect, it } from 'vitest';
import { connectJobs } from '../../shared/aws/connect.ts';
import { connectAnnouncer } from '../../shared/aws/connect-webhooks.ts';
import { isUntold } from '../../shared/webhook.ts';
import { silent } from '../job/services.ts';
import { answers, type Behaviour, hangs, startReceiver, verified } from './receiver.ts';
import { useWebhooks } from './setup.ts';

const open = useWebhooks();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const broken: readonly (readonly [string, Behaviour])[] = [
  ['answers 500', answers(500)],
  ['hangs', hangs],
  ['redirects to a private address', answers(302, { location: 'http://169.254.169.254/latest/meta-data/' })],
  ['breaks the connection', (response) => void response.destroy()],
];

it.each(broken)(
  'delivers everything to a receiver that %s for an hour, under the same ids',
  async (_what, behaviour) => {
    const { running, succeed, handOver, pass, deliveriesOf, secrets, deadLetters } = await open();
    const receiver = await startReceiver(behaviour);
    const jobs = await Promise.all([1, 2, 3, 4].map(() => running(receiver.url)));
    for (const job of jobs) expect(await succeed(job)).toBe(true);
    // Nothing of the receiver is in the way of a job: its end is written, and nobody has been called yet.
    expect(receiver.received).toEqual([]);
    await handOver();
    await pass(HOUR_MS);
    const tried = receiver.received.length;
    expect(tried).toBeGreaterThanOrEqual(6 * jobs.length);
    for (const job of jobs) {
      const [delivery] = await deliveriesOf(job);
      expect(delivery).toMatchObject({ state: 'pending' });
      expect(delivery?.attempts.every(({ reason }) => reason !== undefined)).toBe(true);
    }
    receiver.become(answers(200));
    await pass(2 * HOUR_MS);
    const arrived = receiver.received.slice(tried);
    expect(arrived).toHaveLength(jobs.length);
    for (const job of jobs) {
      const [delivery, ...others] = await deliveriesOf(job);
      expect(others).toEqual([]);
      expect(delivery).toMatchObject({ state: 'delivered' });
      const copies = receiver.received.filter(
        ({ headers }) => headers['webhook-id'] === delivery?.delivery_id,
      );
      // Every attempt had this id, and each is signed for its own time.
      expect(copies).toHaveLength(delivery?.attempts.length ?? 0);
      for (const copy of copies)
        expect(verified(copy, (await secrets()).current)).toMatchObject({ data: { id: job.id } });
      expect(new Set(copies.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(copies.length);
    }
    expect(await deadLetters()).toEqual([]);
  },
);

it('delivers to a receiver that was not there at all, once it is', async () => {
  const { running, succeed, handOver, pass, deliveriesOf } = await open();
  const receiver = await startReceiver();
  await receiver.stop();
  const job = await running(receiver.url);
  await succeed(job);
  await handOver();
  await pass(HOUR_MS);
  const [waiting] = await deliveriesOf(job);
  expect(waiting?.attempts[0]).toMatchObject({ reason: 'unreachable' });
  await receiver.start();
  await pass(2 * HOUR_MS);
  expect(receiver.received).toHaveLength(1);
  expect(await deliveriesOf(job)).toMatchObject([{ state: 'delivered' }]);
});

it('gives up after a day, with the last reason, where an operator sees it and can put it back', async () => {
  const { running, succeed, handOver, pass, deliveriesOf, deadLetters, deliver, clock } = await open();
  const receiver = await startReceiver(answers(500));
  const job = await running(receiver.url);
  const begun = clock().getTime();
  await succeed(job);
  await handOver();
  await pass(DAY_MS - 600_000, 600_000);
  expect(await deliveriesOf(job)).toMatchObject([{ state: 'pending' }]);
  await pass(20 * 60_000);
  const [delivery] = await deliveriesOf(job);
  expect(delivery).toMatchObject({ state: 'failed' });
  const last = delivery?.attempts.at(-1);
  expect(last).toMatchObject({ status: 500, reason: 'bad_status' });
  expect((Date.parse(last?.at ?? '') - begun) / HOUR_MS).toBeCloseTo(24, 1);
  expect(delivery?.attempts).toHaveLength(16);
  const tried = receiver.received.length;
  await pass(HOUR_MS);
  expect(receiver.received).toHaveLength(tried);

  const letters = await deadLetters();
  expect(letters.map((text) => JSON.parse(text))).toEqual([
    { delivery_id: delivery?.delivery_id, again: true },
  ]);
  receiver.become(answers(200));
  await deliver(JSON.parse(letters[0] ?? ''));
  expect(await deliveriesOf(job)).toMatchObject([{ state: 'delivered' }]);
  expect(new Set(receiver.ids()).size).toBe(1);
}, 120_000);

it('ends at 410, and calls nobody for it', async () => {
  const { running, succeed, handOver, pass, deliveriesOf, deadLetters } = await open();
  const receiver = await startReceiver(answers(410));
  const job = await running(receiver.url);
  await succeed(job);
  await handOver();
  await pass(HOUR_MS);
  expect(receiver.received).toHaveLength(1);
  expect(await deliveriesOf(job)).toMatchObject([
    { state: 'failed', attempts: [{ status: 410, reason: 'gone' }] },
  ]);
  expect(await deadLetters()).toEqual([]);
});

it('waits as long as a busy receiver asks, within bounds', async () => {
  const { running, succeed, handOver, pass } = await open();
  const receiver = await startReceiver(answers(429, { 'retry-after': '1200' }));
  await succeed(await running(receiver.url));
  await handOver();
  await pass(1_140_000);
  expect(receiver.received).toHaveLength(1);
  receiver.become(answers(503, { 'retry-after': '999999999' }));
  await pass(120_000);
  expect(receiver.received).toHaveLength(2);
  receiver.become(answers(200));
  await pass(6 * HOUR_MS + 120_000);
  expect(receiver.received).toHaveLength(3);
});

it('holds nobody up with a receiver that hangs: the others are told meanwhile', async () => {
  const { running, succeed, handOver } = await open({ timeoutMs: 1_500 });
  const slow = await startReceiver(hangs);
  const arrived: number[] = [];
  const begun = performance.now();
  const quick = await startReceiver((response) => {
    arrived.push(performance.now() - begun);
    response.end();
  });
  for (const url of [slow.url, slow.url, slow.url, quick.url, quick.url]) await succeed(await running(url));
  const sent = performance.now();
  await handOver();
  expect(performance.now() - sent).toBeGreaterThan(1_400);
  expect(arrived).toHaveLength(2);
  for (const at of arrived) expect(at - (sent - begun)).toBeLessThan(1_000);
});

it('reads no more of an answer than it must, and takes a status whose body never ends', async () => {
  const { running, succeed, handOver, deliveriesOf } = await open();
  const endless = await startReceiver((response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'.repeat(10_000)), 5);
    response.on('close', () => clearInterval(timer));
  });
  const stuck = await startReceiver((response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('x');
  });
  for (const { url } of [endless, stuck]) {
    const job = await running(url);
    await succeed(job);
    const begun = performance.now();
    await handOver();
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(await deliveriesOf(job)).toMatchObject([{ state: 'delivered', attempts: [{ status: 200 }] }]);
  }
});

it.each([
  ['a name that leads to a private address', 'https://inside.example/hook', ['10.0.0.7']],
  [
    'a name with one private address among public ones',
    'https://mixed.example/',
    ['93.184.216.34', '127.0.0.1'],
  ],
  ['the metadata service', 'https://169.254.169.254/latest/', []],
  ['this machine', 'https://localhost/hook', []],
  ['plain http', 'http://public.example/hook', ['93.184.216.34']],
])('connects to nobody for %s, and says so', async (_what, url, addresses) => {
  const { running, succeed, handOver, deliveriesOf, deadLetters } = await open({
    allowsLoopback: false,
    resolve: async () => addresses,
  });
  const job = await running(url);
  await succeed(job);
  await handOver();
  expect(await deliveriesOf(job)).toMatchObject([{ state: 'failed', attempts: [{ reason: 'forbidden' }] }]);
  expect(await deadLetters()).toEqual([]);
});

it('judges where a name leads with every attempt, not with the first', async () => {
  let addresses = ['203.0.113.9'];
  const { running, succeed, handOver, pass, deliveriesOf } = await open({
    allowsLoopback: false,
    resolve: async () => {
      if (addresses.length === 0) throw new Error('no such name');
      return addresses;
    },
  });
  addresses = [];
  const job = await running('https://turns.example/hook');
  await succeed(job);
  await handOver();
  expect(await deliveriesOf(job)).toMatchObject([{ attempts: [{ reason: 'unreachable' }] }]);
  addresses = ['127.0.0.1'];
  await pass(120_000);
  expect(await deliveriesOf(job)).toMatchObject([
    { state: 'failed', attempts: [{ reason: 'unreachable' }, { reason: 'forbidden' }] },
  ]);
});

it('loses nothing between the end of a job and its message: the sweeper finds what nobody announced', async () => {
  const { running, settings, clock, pass, deliveriesOf, messages } = await open();
  const receiver = await startReceiver();
  const job = await running(receiver.url);
  // The worker dies right after its write, or the queue is not there: the end is written, nobody is told.
  const nowhere = {
    ...settings,
    AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9',
    OUTBOARD_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:9/000000000000/none',
  };
  const { jobs } = connectJobs(settings, connectAnnouncer(nowhere, silent));
  expect(await jobs.succeed({ id: job.id, fence: 1 }, { files: {}, facts: {} }, {}, clock())).toBe(true);
  expect(await messages()).toEqual([]);
  await pass(3 * 60_000);
  expect(receiver.received).toHaveLength(1);
  expect(await deliveriesOf(job)).toMatchObject([{ state: 'delivered' }]);
});

it('loses nothing of a sender that dies: before the row, after it, before the note, in the middle of an attempt', async () => {
  const { running, succeed, messages, services, pass, deliveriesOf, deliveries, jobs, clock } = await open();
  const receiver = await startReceiver();
  const [unread, rowOnly, unsent] = [
    await running(receiver.url),
    await running(receiver.url),
    await running(receiver.url),
  ];
  for (const job of [unread, rowOnly, unsent]) await succeed(job);
  // Their messages are taken and nothing comes of them.
  expect(await messages()).toHaveLength(3);
  const row = async (id: string) => {
    const job = await jobs.get(id);
    if (job === undefined) throw new Error('gone');
    return job;
  };
  await deliveries.open(await row(rowOnly.id), clock());
  const { delivery_id: id } = await deliveries.open(await row(unsent.id), clock());
  await jobs.markTold(await row(unsent.id), id);
  await services.deliveries.claim(id, clock(), 60_000);
  await pass(15 * 60_000);
  for (const job of [unread, rowOnly, unsent]) {
    expect(await deliveriesOf(job)).toMatchObject([{ state: 'delivered' }]);
    expect(isUntold(await row(job.id))).toBe(false);
  }
  expect(new Set(receiver.ids()).size).toBe(3);
});

it('asks SQS for the first repeats, so that a short outage costs seconds and not a minute', async () => {
  const { running, succeed, handOver, delayed } = await open();
  const receiver = await startReceiver(answers(500));
  await succeed(await running(receiver.url));
  await handOver();
  expect(await delayed()).toBe(1);
});
