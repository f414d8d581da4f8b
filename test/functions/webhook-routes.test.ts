/** What the routes make of a webhook: asked for with a job or an upload, shown with what it was told, erased with its job. */
import { expect, it } from 'vitest';
import { createJob } from '../../functions/create-job.ts';
import { createUpload } from '../../functions/create-upload.ts';
import { deleteJob } from '../../functions/delete-job.ts';
import { listDeliveries } from '../../functions/list-deliveries.ts';
import { redeliver } from '../../functions/redeliver.ts';
import { retryJob } from '../../functions/retry-job.ts';
import { openDelivery } from '../../functions/webhooks/open-delivery.ts';
import { isUntold, webhookEvents } from '../../shared/webhook.ts';
import { silent } from '../job/services.ts';
import { useFunctions } from './setup.ts';

const setup = useFunctions();
const picture = { image_url: 'https://pictures.example/harbour.jpg' };
const url = 'https://hooks.example/in';

async function open() {
  const bundle = await setup();
  const settings = { ...bundle.settings, OUTBOARD_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:9/0/none' };
  const sent: unknown[] = [];
  const queue = { send: async (message: unknown) => void sent.push(message) };
  const create = createJob(bundle, settings);
  /** A job with a webhook that was canceled. */
  async function canceled() {
    const { body } = await create(bundle.post({ ...picture, webhook: { url } }));
    const { id } = body as { id: string };
    const job = await bundle.jobs.end(id, 'canceled', new Date());
    if (job === undefined) throw new Error(`${id} did not end.`);
    return { id, job, own: bundle.request({ path: { id } }) };
  }
  return {
    ...bundle,
    settings,
    sent,
    create,
    canceled,
    list: listDeliveries(bundle),
    again: redeliver({ ...bundle, queue, log: silent }),
    retry: retryJob(bundle, settings),
    erase: deleteJob(bundle),
  };
}

it('keeps a webhook on the row, with every event where none is named, and shows where its deliveries are', async () => {
  const { create, post, jobs } = await open();
  const { body } = await create(post({ ...picture, webhook: { url: `${url}#part` } }));
  const { id, links } = body as { id: string; links: Record<string, string> };
  expect((await jobs.get(id))?.webhook).toEqual({
    url,
    events: [...webhookEvents],
    api: 'https://api.example/prod',
  });
  expect(links.deliveries).toBe(`https://api.example/prod/v1/jobs/${id}/deliveries`);
  expect(JSON.stringify(body)).not.toContain('hooks.example');
  const plain = (await create(post(picture))).body as { links: object };
  expect(plain.links).not.toHaveProperty('deliveries');
});

it.each([
  ['a field that nobody knows', { url, secret: 'x' }, 'unknown_field', 'secret'],
  ['an event that is none', { url, events: ['job.started'] }, 'invalid_request', 'webhook.events.0'],
  ['no event at all', { url, events: [] }, 'invalid_request', 'webhook.events'],
  [
    'a URL that is too long',
    { url: `https://hooks.example/${'a'.repeat(1_024)}` },
    'invalid_request',
    'webhook.url',
  ],
  ['a private address', { url: 'https://192.168.1.1/' }, 'webhook_url_forbidden', 'webhook.url'],
  ['plain http', { url: 'http://hooks.example/' }, 'webhook_url_invalid', 'webhook.url'],
])('refuses %s, and makes no job', async (_what, webhook, code, field) => {
  const { create, post, tenantJobs } = await open();
  await expect(create(post({ ...picture, webhook }))).rejects.toMatchObject({ code, field });
  expect(await tenantJobs()).toEqual([]);
});

it('refuses a webhook where the stage has no queue for them', async () => {
  const { post, settings, ...bundle } = await open();
  const create = createJob(bundle, { ...settings, OUTBOARD_WEBHOOK_QUEUE_URL: undefined });
  const asked = create(post({ ...picture, webhook: { url } }));
  await expect(asked).rejects.toMatchObject({ code: 'invalid_request', field: 'webhook' });
});

it('refuses a form whose metadata S3 would not keep', async () => {
  const { post, settings, ...bundle } = await open();
  const upload = createUpload(bundle, settings);
  const long = { webhook: { url: `${url}/${'a'.repeat(990)}` }, content_type: 'image/png' };
  expect(await upload(post(long))).toMatchObject({ status: 201 });
  const longer = post({ ...long, image_name: 'n'.repeat(255) });
  await expect(upload(longer)).rejects.toMatchObject({ code: 'invalid_request', field: 'image_name' });
});

it('shows deliveries to the tenant of the job alone, and sends one again only for it', async () => {
  const { canceled, jobs, deliveries, list, again, request, sent } = await open();
  const { id, job, own } = await canceled();
  expect((await list(own)).body).toEqual({ deliveries: [] });
  const delivery = await openDelivery({ jobs, deliveries }, job, new Date());
  expect((await list(own)).body).toMatchObject({
    deliveries: [{ id: delivery, event: 'job.canceled', url, state: 'pending', attempts: [] }],
  });
  const path = { id, delivery };
  const stranger = request({ tenant: 'somebody else', path });
  for (const route of [list, again])
    await expect(route(stranger)).rejects.toMatchObject({ code: 'job_not_found' });
  const other = await canceled();
  const wrong = request({ path: { id: other.id, delivery } });
  await expect(again(wrong)).rejects.toMatchObject({ code: 'delivery_not_found' });
  expect(sent).toEqual([]);
  expect(await again(request({ path }))).toMatchObject({ status: 202, body: { id: delivery } });
  expect(sent).toEqual([{ delivery_id: delivery }]);
});

it('runs a job again only after its last end has a delivery', async () => {
  const { canceled, jobs, deliveries, retry } = await open();
  const { id, job, own } = await canceled();
  expect(isUntold(job)).toBe(true);
  expect(await retry(own)).toMatchObject({ status: 202 });
  const row = await jobs.get(id);
  expect(row).toMatchObject({ status: 'queued', deliveries: [expect.any(String)] });
  expect(await deliveries.get(row?.deliveries?.[0] ?? '')).toMatchObject({
    event: 'job.canceled',
    state: 'pending',
    job: { status: 'canceled' },
  });
});

it('erases the deliveries of a job with it', async () => {
  const { canceled, jobs, deliveries, erase } = await open();
  const { job, own } = await canceled();
  const delivery = await openDelivery({ jobs, deliveries }, job, new Date());
  expect(await erase(own)).toEqual({ status: 204 });
  expect(await deliveries.get(delivery)).toBeUndefined();
});
