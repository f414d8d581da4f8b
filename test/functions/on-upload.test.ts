/** What arrives in the bucket, and what becomes of it. */
import { expect, it } from 'vitest';
import { newUploadId, uploadJobId, uploadMetadata } from '../../functions/jobs/upload.ts';
import { onUpload } from '../../functions/on-upload.ts';
import { s3Event } from '../../local/s3/events.ts';
import { uploadKey } from '../../shared/aws/input-keys.ts';
import { checkCreateUpload } from '../../shared/requests.ts';
import { catalog } from '../shared/catalog.ts';
import { PNG, useFunctions } from './setup.ts';

const setup = useFunctions();

async function open() {
  const bundle = await setup();
  const { uploads, settings, tenant } = bundle;
  const handle = onUpload(bundle, settings);
  const event = (key: string) =>
    s3Event({ bucket: 'uploads', key, size: 1, eTag: 'e', sequencer: '1', at: new Date(), by: 'Put' });
  return {
    ...bundle,
    handle,
    event,
    arrived: (key: string) => handle(event(key)),
    drop: (key: string, bytes = PNG) => uploads.put(key, bytes, { contentType: 'image/png' }),
    /** A file that came through the form of POST /v1/uploads. */
    async upload(request: object) {
      const checked = checkCreateUpload({ content_type: 'image/png', ...request }, catalog);
      const uploadId = newUploadId();
      const key = uploadKey(tenant, uploadId);
      const form = await uploads.presignPost(key, {
        maxBytes: 1_000,
        contentType: 'image/png',
        metadata: uploadMetadata(checked),
        expiresSeconds: 60,
      });
      const body = new FormData();
      for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
      body.append('file', new Blob([new Uint8Array(PNG)]), 'picture.png');
      expect((await fetch(form.url, { method: 'POST', body })).status).toBe(204);
      return { key, jobId: uploadJobId(tenant, uploadId) };
    },
  };
}

it('starts the job that the form was made for, under the id that the form told', async () => {
  const { upload, arrived, jobs, takeAll, tenant } = await open();
  const { key, jobId } = await upload({ model: 'twice', upscale_factor: 2, image_name: 'Hafen bei Ä.png' });
  await arrived(key);
  expect(await jobs.get(jobId)).toMatchObject({
    tenant,
    status: 'queued',
    model: 'twice',
    parameters: { upscale_factor: 2, output_format: 'png' },
    input: { kind: 'object', bucket: 'uploads', key, name: 'Hafen bei Ä.png' },
  });
  expect(await takeAll()).toEqual([jobId]);
});

it('makes one job of an event that comes twice, late, or from two rules at once', async () => {
  const { upload, event, handle, arrived, jobs, takeAll, tenantJobs } = await open();
  const { key, jobId } = await upload({});
  const twice = { Records: [...event(key).Records, ...event(key).Records] };
  await handle(twice);
  expect(await takeAll()).toEqual([jobId]);
  await Promise.all([arrived(key), arrived(key), handle(twice)]);
  await jobs.end(jobId, 'canceled', new Date());
  await arrived(key);
  expect(await tenantJobs()).toMatchObject([{ id: jobId, status: 'canceled' }]);
  expect(await takeAll()).toEqual([]);
});

it('makes one job of events that overlap from the first moment', async () => {
  const { upload, arrived, tenantJobs, takeAll } = await open();
  const { key, jobId } = await upload({});
  await Promise.all(Array.from({ length: 5 }, () => arrived(key)));
  expect(await tenantJobs()).toMatchObject([{ id: jobId, status: 'queued' }]);
  expect(new Set(await takeAll())).toEqual(new Set([jobId]));
});

it('starts no job for a form that asked for none', async () => {
  const { upload, arrived, tenantJobs, held } = await open();
  const { key } = await upload({ start_job: false });
  await arrived(key);
  expect(await tenantJobs()).toEqual([]);
  expect(await held()).toBe(0);
});

it('enlarges a file that was dropped by other means with the defaults', async () => {
  const { drop, arrived, tenantJobs, tenant, takeAll } = await open();
  const key = uploadKey(tenant, 'holiday/2024/harbour.png');
  await drop(key);
  await arrived(key);
  await arrived(key);
  const [job, ...more] = await tenantJobs();
  expect(more).toEqual([]);
  expect(job).toMatchObject({
    model: 'super-resolution',
    task: 'super-resolution',
    parameters: { upscale_factor: 4, output_format: 'png', quality: 90 },
    input: { key, name: 'harbour.png' },
  });
  expect(await takeAll()).toEqual([job?.id]);
});

it('takes another file under the same key for another job', async () => {
  const { drop, arrived, tenantJobs, tenant } = await open();
  const key = uploadKey(tenant, 'harbour.png');
  await drop(key);
  await arrived(key);
  await drop(key, Buffer.concat([PNG, PNG]));
  await arrived(key);
  expect(await tenantJobs()).toHaveLength(2);
});

it.each([
  'results/job_1/1/a.png',
  'inputs/job_1/hash',
  'uploads',
  'uploads/',
  'uploads//a.png',
  'a.png',
  'xuploads/t/a.png',
])('never makes a job of %s', async (key) => {
  const { drop, arrived, held, tenantJobs } = await open();
  await drop(key);
  await arrived(key);
  expect(await tenantJobs()).toEqual([]);
  expect(await held()).toBe(0);
});

it('never makes a job of a result that lies below the name of a tenant', async () => {
  const { drop, arrived, held, tenant } = await open();
  const key = `results/uploads/${tenant}/a.png`;
  await drop(key);
  await arrived(key);
  expect(await held()).toBe(0);
});

it.each(['a b.png', 'a+b.png', 'a%20b.png', 'Ä & ?#.png', "'(~)!.png", '画像.png', '100%.png'])(
  'finds the file %s by the key of its event, which is encoded',
  async (name) => {
    const { drop, arrived, tenantJobs, tenant } = await open();
    const key = uploadKey(tenant, name);
    await drop(key);
    await arrived(key);
    expect(await tenantJobs()).toMatchObject([{ input: { key, name } }]);
  },
);

it('makes no job of a file that is already gone, and goes on with the others', async () => {
  const { drop, handle, event, tenantJobs, tenant } = await open();
  const key = uploadKey(tenant, 'here.png');
  await drop(key);
  await handle({ Records: [...event(uploadKey(tenant, 'gone.png')).Records, ...event(key).Records] });
  expect(await tenantJobs()).toMatchObject([{ input: { key } }]);
});

it('makes no job under a tenant that the queue could not take', async () => {
  const { drop, arrived, index, held } = await open();
  for (const tenant of ['Ä', 'a b', 't'.repeat(129)]) {
    const key = uploadKey(tenant, 'a.png');
    await drop(key);
    await arrived(key);
    expect((await index.list(tenant, { limit: 1 })).jobs).toEqual([]);
  }
  expect(await held()).toBe(0);
});

it('fails while the queue is down, so that the event comes again, and then sends the message', async () => {
  const { drop, event, arrived, settings, deadQueue, tenantJobs, takeAll, tenant, ...bundle } = await open();
  const key = uploadKey(tenant, 'harbour.png');
  await drop(key);
  const down = onUpload({ ...bundle, queue: deadQueue }, settings);
  await expect(down(event(key))).rejects.toMatchObject({ code: 'queue_unavailable' });
  await arrived(key);
  const rows = await tenantJobs();
  expect(rows).toHaveLength(1);
  expect(await takeAll()).toEqual(rows.map(({ id }) => id));
});
