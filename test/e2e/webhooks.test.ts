/** Webhooks through the whole system: asked for with a job, told by whoever ends it, to a receiver on this machine. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { deliveryListSchema, deliverySchema, webhookSecretSchema } from '../../shared/responses.ts';
import { answers, hangs, startReceiver, verified } from '../webhooks/receiver.ts';
import { readJob, setup, until } from './setup.ts';

const picture = await readFile(path.resolve(import.meta.dirname, '../fixtures/photo-small.png'));
const { send, submit, ended, job, jobs, download } = setup(6200);
const inline = { image_base64: picture.toString('base64') };
const broken = { image_base64: Buffer.from('\x89PNG\r\n\x1a\n not really', 'latin1').toString('base64') };

const secret = async () => webhookSecretSchema.parse((await send('GET', '/v1/webhook-secret')).body);
const deliveriesOf = async (id: string) =>
  deliveryListSchema.parse((await send('GET', `/v1/jobs/${id}/deliveries`)).body).deliveries;
const told = (id: string, state: string) =>
  until(async () => (await deliveriesOf(id)).some((delivery) => delivery.state === state));

it('tells the end of a job with links that can be used, verified by the library of the scheme', async () => {
  const receiver = await startReceiver();
  const { id, links } = await submit({ ...inline, webhook: { url: receiver.url } });
  expect(links.deliveries).toMatch(new RegExp(`/v1/jobs/${id}/deliveries$`));
  await told(id, 'delivered');
  const [message, ...more] = receiver.received;
  expect(more).toEqual([]);
  const { type, data } = verified(message as never, (await secret()).current);
  expect(type).toBe('job.succeeded');
  const seen = readJob(data);
  const now = await job(id);
  const { url: _, ...input } = now.input;
  expect({ ...seen, output: undefined }).toEqual({ ...now, input, output: undefined });
  expect(await download(seen.output?.sr_image_url)).toEqual(await download(now.output?.sr_image_url));
  const [delivery] = await deliveriesOf(id);
  expect(delivery).toMatchObject({
    id: message?.headers['webhook-id'],
    event: 'job.succeeded',
    url: receiver.url,
    attempts: [{ status: 204, duration_ms: expect.any(Number) }],
  });
});

it('tells of a cancel and of a failure, and not of what was not asked for', async () => {
  const receiver = await startReceiver();
  const failed = await submit({ ...broken, webhook: { url: receiver.url, events: ['job.failed'] } });
  const quiet = await submit({ ...inline, webhook: { url: receiver.url, events: ['job.failed'] } });
  await told(failed.id, 'delivered');
  expect(await ended(quiet.id)).toMatchObject({ status: 'succeeded' });
  expect(await deliveriesOf(quiet.id)).toEqual([]);
  const message = verified(receiver.received[0] as never, (await secret()).current);
  expect(message).toMatchObject({
    type: 'job.failed',
    data: { id: failed.id, error: { code: 'image_corrupt' } },
  });
});

it('is not slower for a job whose receiver hangs or is not there, and repeats within seconds', async () => {
  const slow = await startReceiver(hangs);
  const down = await startReceiver();
  await down.stop();
  const warm = await submit(inline);
  await ended(warm.id);
  const ids = await Promise.all(
    [slow.url, slow.url, down.url, down.url].map(
      async (url) => (await submit({ ...inline, webhook: { url } })).id,
    ),
  );
  const begun = performance.now();
  for (const id of ids) expect(await ended(id)).toMatchObject({ status: 'succeeded' });
  // A hung attempt alone takes ten seconds.
  expect(performance.now() - begun).toBeLessThan(9_000);
  await expect.poll(() => new Set(slow.ids()).size, { timeout: 9_000 }).toBe(2);
  const downId = ids[2] ?? '';
  await until(async () => (await deliveriesOf(downId))[0]?.attempts.length === 1);
  expect((await deliveriesOf(downId))[0]).toMatchObject({
    state: 'pending',
    attempts: [{ reason: 'unreachable', message: expect.any(String) }],
  });
  await down.start();
  await told(downId, 'delivered');
  expect(down.received.map(({ headers }) => headers['webhook-id'])).toContain(
    (await deliveriesOf(downId))[0]?.id,
  );
}, 60_000);

it('sends the same event again when it is asked for, under the same id, signed with both secrets after a rotation', async () => {
  const receiver = await startReceiver(answers(410));
  const { id } = await submit({ ...inline, webhook: { url: receiver.url } });
  await told(id, 'failed');
  receiver.become(answers(200));
  const before = await secret();
  const after = webhookSecretSchema.parse((await send('POST', '/v1/webhook-secret/rotate')).body);
  expect(after).toMatchObject({ previous: before.current });
  const [delivery] = await deliveriesOf(id);
  const route = new URL(delivery?.links.redeliver ?? '').pathname;
  const answer = await send('POST', route);
  expect(answer.status).toBe(202);
  expect(deliverySchema.parse(answer.body)).toMatchObject({ id: delivery?.id, state: 'pending' });
  await told(id, 'delivered');
  const [first, second, ...more] = receiver.received;
  expect(more).toEqual([]);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  for (const each of [after.current, before.current])
    expect(verified(second as never, each)).toMatchObject({ data: { id } });
  expect((await deliveriesOf(id))[0]?.attempts.map(({ status }) => status)).toEqual([200, 410]);
  const unknown = route.replace(delivery?.id ?? '', 'whd_aaaaaaaaaaaaaaaaaaaaaaaa');
  expect(await send('POST', unknown)).toMatchObject({ status: 404, body: { code: 'delivery_not_found' } });
});

it('tells the end of a job that an upload started, and each end of one that is run again', async () => {
  const receiver = await startReceiver();
  const form = z
    .object({ url: z.string(), fields: z.record(z.string(), z.string()), job: z.object({ id: z.string() }) })
    .parse(
      (await send('POST', '/v1/uploads', { content_type: 'image/png', webhook: { url: receiver.url } })).body,
    );
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.set(name, value);
  body.set('file', new Blob([picture], { type: 'image/png' }));
  expect((await fetch(form.url, { method: 'POST', body })).ok).toBe(true);
  await ended(form.job.id);
  await told(form.job.id, 'delivered');
  expect(verified(receiver.received[0] as never, (await secret()).current)).toMatchObject({
    type: 'job.succeeded',
    data: { id: form.job.id },
  });

  const { id } = await submit({ ...broken, webhook: { url: receiver.url } });
  expect(await ended(id)).toMatchObject({ status: 'failed' });
  // At once: the event may not be on its way yet, and must not be lost.
  expect((await send('POST', `/v1/jobs/${id}/retry`)).status).toBe(202);
  await until(async () => (await deliveriesOf(id)).filter(({ state }) => state === 'delivered').length === 2);
  const [second, first] = await deliveriesOf(id);
  expect([first?.event, second?.event]).toEqual(['job.failed', 'job.failed']);
  expect(receiver.ids().slice(1).sort()).toEqual([first?.id, second?.id].sort());
  expect(first?.id).not.toBe(second?.id);
});

it('refuses, when the job is asked for, a URL that cannot be a receiver', async () => {
  for (const [url, code] of [
    ['https://169.254.169.254/latest/meta-data/', 'webhook_url_forbidden'],
    ['https://10.0.0.1/', 'webhook_url_forbidden'],
    ['http://hooks.example/', 'webhook_url_invalid'],
    ['https://key@hooks.example/', 'webhook_url_invalid'],
  ] as const) {
    for (const [route, fields] of [
      ['/v1/jobs', inline],
      ['/v1/uploads', { content_type: 'image/png' }],
    ] as const) {
      const answer = await send('POST', route, { ...fields, webhook: { url } });
      expect(answer, url).toMatchObject({ status: 422, body: { code, field: 'webhook.url' } });
    }
  }
  const odd = await send('POST', '/v1/jobs', {
    ...inline,
    webhook: { url: 'https://hooks.example', events: ['job.began'] },
  });
  expect(odd).toMatchObject({ status: 400, body: { code: 'invalid_request', field: 'webhook.events.0' } });
});

it('forgets the deliveries of a job that is erased, and tells nobody of it', async () => {
  const receiver = await startReceiver();
  const { id } = await submit({ ...inline, webhook: { url: receiver.url } });
  await told(id, 'delivered');
  expect((await send('DELETE', `/v1/jobs/${id}`)).status).toBe(204);
  expect((await send('GET', `/v1/jobs/${id}/deliveries`)).status).toBe(404);
  expect(await jobs.get(id)).toBeUndefined();
  const other = await submit({ ...inline, webhook: { url: receiver.url, events: ['job.canceled'] } });
  expect((await send('DELETE', `/v1/jobs/${other.id}`)).status).toBe(204);
  expect(receiver.received).toHaveLength(1);
});
