/** Accepted means durable, and the same request twice is one job. */
import { expect, it } from 'vitest';
import { createJob } from '../../functions/create-job.ts';
import { overloadCheck } from '../../functions/jobs/overload.ts';
import { inputPrefix, uploadKey } from '../../shared/aws/input-keys.ts';
import { openShardOf } from '../../shared/job.ts';
import { exists, PNG, useFunctions } from './setup.ts';

const setup = useFunctions();
const URL_ = 'https://pictures.example/harbour.jpg';
const inline = (more = '') => ({
  image_base64: Buffer.from(`${PNG.toString('latin1')}${more}`, 'latin1').toString('base64'),
});

/** The route of a fresh tenant. */
async function open() {
  const bundle = await setup();
  const create = createJob(bundle, bundle.settings);
  return {
    ...bundle,
    create,
    idOf: async (answer: ReturnType<typeof create>) => ((await answer).body as { id: string }).id,
  };
}

it('answers 202 when row and message are there', async () => {
  const { create, post, jobs, takeAll, idOf, tenant } = await open();
  const answer = await create(post({ image_url: URL_, upscale_factor: '2' }));
  expect(answer).toMatchObject({ status: 202, body: { status: 'queued', attempt: 0 } });
  const id = await idOf(Promise.resolve(answer));
  expect(answer.headers?.location).toBe(`https://api.example/prod/v1/jobs/${id}`);
  const row = await jobs.get(id);
  expect(row).toMatchObject({
    tenant,
    status: 'queued',
    input: { kind: 'url', url: URL_ },
    parameters: { upscale_factor: 2, output_format: 'png', quality: 90 },
    open_shard: openShardOf(id),
    sweep_at: row?.deadline_at,
    enqueued_at: expect.any(String),
  });
  expect(await takeAll()).toEqual([id]);
});

it('keeps the priority asked for on the row and shows it', async () => {
  const { create, post, jobs, idOf } = await open();
  const answer = create(post({ image_url: URL_, priority: 'batch' }));
  expect((await answer).body).toMatchObject({ priority: 'batch' });
  expect(await jobs.get(await idOf(answer))).toMatchObject({ priority: 'batch' });
  expect((await create(post({ image_url: URL_ }))).body).toMatchObject({ priority: 'normal' });
  await expect(create(post({ image_url: URL_, priority: 'first' }))).rejects.toMatchObject({
    code: 'invalid_request',
    field: 'priority',
  });
});

it('stores a picture that came inline before the row says where it is', async () => {
  const { create, post, jobs, uploads, idOf } = await open();
  const row = await jobs.get(await idOf(create(post({ ...inline(), image_name: 'a.png' }))));
  expect(row?.input).toMatchObject({ kind: 'object', bucket: 'uploads', name: 'a.png' });
  const key = row?.input.kind === 'object' ? row.input.key : '';
  expect(await uploads.get(key, 1_000)).toEqual(PNG);
});

it('refuses bytes that are no picture, and leaves nothing behind', async () => {
  const { create, post, held, tenantJobs } = await open();
  const text = Buffer.from('not a picture').toString('base64');
  await expect(create(post({ image_base64: text }))).rejects.toMatchObject({
    code: 'image_not_recognized',
    field: 'image_base64',
  });
  expect(await tenantJobs()).toEqual([]);
  expect(await held()).toBe(0);
});

it('finds the first job and sends no second message for the same key and body', async () => {
  const { create, post, takeAll, tenantJobs, idOf } = await open();
  const request = post(inline(), { 'idempotency-key': 'k-1' });
  const ids = [await idOf(create(request)), await idOf(create(request))];
  expect(ids[1]).toBe(ids[0]);
  expect(await tenantJobs()).toHaveLength(1);
  expect(await takeAll()).toEqual([ids[0]]);
});

it('makes one job of the same request many times at once', async () => {
  const { create, post, takeAll, tenantJobs, idOf } = await open();
  const request = post({ image_url: URL_ }, { 'idempotency-key': 'k-1' });
  const ids = await Promise.all(Array.from({ length: 6 }, () => idOf(create(request))));
  expect(new Set(ids).size).toBe(1);
  expect(await tenantJobs()).toHaveLength(1);
  // Whoever sees no message yet sends one: repeated, never missing.
  expect(new Set(await takeAll())).toEqual(new Set([ids[0]]));
});

it('refuses another body under the same key, and touches neither the job nor its picture', async () => {
  const { create, post, jobs, uploads, takeAll, idOf } = await open();
  const id = await idOf(create(post(inline(), { 'idempotency-key': 'k-1' })));
  const before = await jobs.get(id);
  await expect(create(post(inline(' another'), { 'idempotency-key': 'k-1' }))).rejects.toMatchObject({
    code: 'idempotency_key_reused',
    field: 'Idempotency-Key',
  });
  expect(await jobs.get(id)).toEqual(before);
  const key = before?.input.kind === 'object' ? before.input.key : '';
  expect(key.startsWith(inputPrefix(id))).toBe(true);
  expect(await uploads.get(key, 1_000)).toEqual(PNG);
  expect(await takeAll()).toEqual([id]);
});

it('keeps the keys of tenants apart, and makes two jobs without a key', async () => {
  const mine = await open();
  const other = await open();
  const body = { image_url: URL_ };
  const key = { 'idempotency-key': 'k-1' };
  const ids = await Promise.all([
    mine.idOf(mine.create(mine.post(body, key))),
    other.idOf(other.create(other.post(body, key))),
    mine.idOf(mine.create(mine.post(body))),
    mine.idOf(mine.create(mine.post(body))),
  ]);
  expect(new Set(ids).size).toBe(4);
});

it.each(['', 'ä', 'a\n', 'k'.repeat(256)])('refuses the key %j', async (key) => {
  const { create, post } = await open();
  await expect(create(post({ image_url: URL_ }, { 'idempotency-key': key }))).rejects.toMatchObject({
    code: 'invalid_idempotency_key',
  });
});

it('answers 503 while the queue is down, keeps the row, and a repeat sends the message', async () => {
  const { create, post, jobs, settings, deadQueue, tenantJobs, takeAll, idOf, ...bundle } = await open();
  const request = post({ image_url: URL_ }, { 'idempotency-key': 'k-1' });
  const down = createJob({ ...bundle, jobs, queue: deadQueue }, settings);
  await expect(down(request)).rejects.toMatchObject({ code: 'queue_unavailable', httpStatus: 503 });
  const [kept, ...more] = await tenantJobs();
  expect(more).toEqual([]);
  expect(kept).toMatchObject({ status: 'queued' });
  expect(kept).not.toHaveProperty('enqueued_at');
  expect(await takeAll()).toEqual([]);
  expect(await idOf(create(request))).toBe(kept?.id);
  expect(await takeAll()).toEqual([kept?.id]);
  expect(await jobs.get(kept?.id ?? '')).toHaveProperty('enqueued_at');
});

it('sends no message again for a job that runs or has ended', async () => {
  const { create, post, jobs, takeAll, idOf } = await open();
  const request = post({ image_url: URL_ }, { 'idempotency-key': 'k-1' });
  const id = await idOf(create(request));
  await takeAll();
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  expect(await create(request)).toMatchObject({ status: 202, body: { id, status: 'running' } });
  await jobs.succeed({ id, fence: 1 }, { files: {}, facts: {} }, {}, new Date());
  expect(await create(request)).toMatchObject({ body: { id, status: 'succeeded' } });
  expect(await takeAll()).toEqual([]);
});

it('runs a file that was uploaded, and knows no other', async () => {
  const { create, post, jobs, uploads, tenant, idOf } = await open();
  const upload = `upl_${'a'.repeat(24)}`;
  await expect(create(post({ upload_id: upload }))).rejects.toMatchObject({
    code: 'upload_not_found',
    field: 'upload_id',
  });
  await uploads.put(uploadKey('another tenant', upload), PNG, { contentType: 'image/png' });
  await expect(create(post({ upload_id: upload }))).rejects.toMatchObject({ code: 'upload_not_found' });
  await uploads.put(uploadKey(tenant, upload), PNG, { contentType: 'image/png' });
  const row = await jobs.get(await idOf(create(post({ upload_id: upload }))));
  expect(row?.input).toEqual({ kind: 'object', bucket: 'uploads', key: uploadKey(tenant, upload) });
  expect(await exists(uploads, uploadKey(tenant, upload))).toBe(true);
});

it('turns work away while too much waits, before anything is stored', async () => {
  const { create: _, post, queue, settings, tenantJobs, ...bundle } = await open();
  await queue.send('a', 'tenant');
  await queue.send('b', 'tenant');
  const create = createJob({ ...bundle, queue, refuseOverload: overloadCheck(queue, 2) }, settings);
  await expect(create(post({ image_url: URL_ }))).rejects.toMatchObject({
    code: 'too_many_requests',
    httpStatus: 429,
  });
  expect(await tenantJobs()).toEqual([]);
});

it('waits for the result where that is preferred', async () => {
  const { create, post, jobs, tenantJobs } = await open();
  const answer = create(post({ image_url: URL_ }, { prefer: 'respond-async, wait=20' }));
  let id: string | undefined;
  while (id === undefined) id = (await tenantJobs())[0]?.id;
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  await jobs.succeed({ id, fence: 1 }, { files: {}, facts: { width: 8 } }, {}, new Date());
  expect(await answer).toMatchObject({
    status: 200,
    body: { id, status: 'succeeded', output: { width: 8 } },
    headers: { 'preference-applied': 'wait=20' },
  });
});
