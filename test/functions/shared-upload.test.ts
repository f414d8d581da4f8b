/** Several jobs may use one upload; erasing one of them takes nothing from the others, and the last one leaves nothing. */
import { expect, it } from 'vitest';
import { createJob } from '../../functions/create-job.ts';
import { deleteJob } from '../../functions/delete-job.ts';
import { newUploadId, uploadJobId, uploadMetadata } from '../../functions/jobs/upload.ts';
import { onUpload } from '../../functions/on-upload.ts';
import { s3Event } from '../../local/s3/events.ts';
import { uploadKey } from '../../shared/aws/input-keys.ts';
import { checkCreateUpload } from '../../shared/requests.ts';
import { catalog } from '../shared/catalog.ts';
import { exists, PNG, useFunctions } from './setup.ts';

const setup = useFunctions();

/** A file that came through a form which starts a job. */
async function open() {
  const bundle = await setup();
  const { uploads, settings, tenant, request, post } = bundle;
  const uploadId = newUploadId();
  const key = uploadKey(tenant, uploadId);
  const create = createJob(bundle, settings);
  const erase = deleteJob(bundle);
  const handle = onUpload(bundle, settings);
  const event = s3Event({
    bucket: 'uploads',
    key,
    size: 1,
    eTag: 'e',
    sequencer: '1',
    at: new Date(),
    by: 'Put',
  });
  const checked = checkCreateUpload({ content_type: 'image/png' }, catalog);
  const form = await uploads.presignPost(key, {
    maxBytes: 1_000,
    contentType: 'image/png',
    metadata: uploadMetadata(checked),
    expiresSeconds: 60,
  });
  async function send() {
    const body = new FormData();
    for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
    body.append('file', new Blob([new Uint8Array(PNG)]), 'picture.png');
    expect((await fetch(form.url, { method: 'POST', body })).status).toBe(204);
  }
  await send();
  return {
    ...bundle,
    key,
    uploadId,
    /** The job that the upload itself starts. */
    ownId: uploadJobId(tenant, uploadId),
    send,
    arrived: () => handle(event),
    submit: async (fields: object = {}, headers: Record<string, string> = {}) => {
      const answer = await create(post({ upload_id: uploadId, ...fields }, headers));
      return (answer.body as { id: string }).id;
    },
    erase: (id: string) => erase(request({ path: { id } })),
    isThere: () => exists(uploads, key),
  };
}

it.each(['first', 'last'])(
  'keeps the file for the others when the job of the upload is erased %s',
  async (when) => {
    const { arrived, ownId, submit, erase, isThere } = await open();
    await arrived();
    const others = [await submit(), await submit({ upscale_factor: 2 })];
    const order = when === 'first' ? [ownId, ...others] : [...others, ownId];
    for (const id of order) {
      expect(await isThere(), id).toBe(true);
      expect(await erase(id)).toEqual({ status: 204 });
    }
    expect(await isThere()).toBe(false);
  },
);

it('keeps the file for a job that was made of it before its own job was', async () => {
  const { arrived, ownId, submit, erase, isThere } = await open();
  const id = await submit();
  await arrived();
  await erase(id);
  expect(await isThere()).toBe(true);
  await erase(ownId);
  expect(await isThere()).toBe(false);
});

it('counts a job once, however often its request is repeated', async () => {
  const { submit, erase, isThere } = await open();
  const key = { 'idempotency-key': 'again' };
  const id = await submit({}, key);
  expect(await submit({}, key)).toBe(id);
  await erase(id);
  expect(await isThere()).toBe(false);
});

it('is not held by a request that was refused, and a refusal takes the file from nobody', async () => {
  const { submit, erase, isThere } = await open();
  const key = { 'idempotency-key': 'mine' };
  const id = await submit({}, key);
  await expect(submit({ upscale_factor: 2 }, key)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  expect(await isThere()).toBe(true);
  await erase(id);
  expect(await isThere()).toBe(false);
});

it('brings no job back that was erased, when the event of its upload comes late', async () => {
  const { arrived, ownId, submit, erase, jobs, isThere } = await open();
  await arrived();
  const other = await submit();
  await erase(ownId);
  await arrived();
  expect(await jobs.get(ownId)).toBeUndefined();
  await erase(other);
  expect(await isThere()).toBe(false);
});

it('makes a job of a file that is sent again after everything of the first was erased', async () => {
  const { arrived, ownId, erase, send, jobs, isThere } = await open();
  await arrived();
  await erase(ownId);
  await send();
  await arrived();
  expect(await jobs.get(ownId)).toMatchObject({ status: 'queued' });
  expect(await isThere()).toBe(true);
});

it('leaves the event of an upload to come again while the file before it is being erased', async () => {
  const { arrived, ownId, holders, key, jobs } = await open();
  await holders.release(key, 'of a job that is being erased', new Date());
  await expect(arrived()).rejects.toMatchObject({ code: 'service_unavailable' });
  await holders.forget(key);
  await arrived();
  expect(await jobs.get(ownId)).toMatchObject({ status: 'queued' });
});

it('leaves nothing behind of an upload that was asked for and is not there', async () => {
  const bundle = await setup();
  const { post, holders, tenant } = bundle;
  const upload_id = newUploadId();
  await expect(createJob(bundle, bundle.settings)(post({ upload_id }))).rejects.toMatchObject({
    code: 'upload_not_found',
  });
  // Whoever comes next need not wait, and is alone.
  const key = uploadKey(tenant, upload_id);
  expect(await holders.hold(key, 'next', new Date())).toBe('held');
  expect(await holders.release(key, 'next', new Date())).toBe(true);
});

it('keeps a file that was found for the job that found it, though the last job before it is erased now', async () => {
  const bundle = await open();
  const { submit, erase, isThere, uploads, post, settings, uploadId } = bundle;
  const first = await submit();
  const erasedMeanwhile = {
    bucket: uploads.bucket,
    put: uploads.put.bind(uploads),
    async head(key: string) {
      const found = await uploads.head(key);
      await erase(first);
      return found;
    },
  };
  const create = createJob({ ...bundle, uploads: erasedMeanwhile }, settings);
  expect(await create(post({ upload_id: uploadId }))).toMatchObject({ status: 202 });
  expect(await isThere()).toBe(true);
});

it('never accepts a job on a file that another job’s end takes with it, however the two meet', async () => {
  for (let round = 0; round < 12; round += 1) {
    const { submit, erase, isThere, jobs } = await open();
    const first = await submit();
    const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
    const [second] = await Promise.allSettled([
      pause().then(() => submit()),
      pause().then(() => erase(first)),
    ]);
    if (second.status === 'fulfilled') {
      expect(await jobs.get(second.value)).toMatchObject({ status: 'queued' });
      expect(await isThere()).toBe(true);
      await erase(second.value);
    } else expect(second.reason).toMatchObject({ code: 'upload_not_found' });
    expect(await isThere()).toBe(false);
  }
});
