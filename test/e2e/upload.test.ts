/** Large pictures go straight to S3 through a presigned form, and the upload itself starts the job. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { API_KEY, HOST } from '../../local/settings.ts';
import { jobSchema } from '../../shared/job-response.ts';
import { uploadSchema } from '../../shared/responses.ts';
import { decode, enlargedWhole, noise, png } from './pictures.ts';
import { setup, until } from './setup.ts';

const { url, send, submit, ended, download, keys, lines } = setup(4200);

const BROWSER = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

async function newUpload(fields: Record<string, unknown> = {}) {
  const answer = await send('POST', '/v1/uploads', { content_type: 'image/png', ...fields });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return uploadSchema.parse(answer.body);
}

type Form = Pick<Awaited<ReturnType<typeof newUpload>>, 'url' | 'fields'>;

/** @returns what S3 answered: its status and, of a refusal, its code */
async function post(form: Form, file: Buffer, fields: Record<string, string> = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries({ ...form.fields, ...fields })) body.append(name, value);
  body.append('file', new Blob([new Uint8Array(file)]));
  const answer = await fetch(form.url, { method: 'POST', body });
  return [answer.status, /<Code>(\w+)</.exec(await answer.text())?.[1]];
}

describe('a file uploaded through the form', () => {
  it('becomes the job whose id was told before, with the parameters of the form', async () => {
    const raw = noise(30, 20);
    const upload = await newUpload({ upscale_factor: 8, image_name: 'harbour.png' });
    const before = await send('GET', `/v1/jobs/${upload.job?.id}`);
    expect(before.status).toBe(404);
    expect(await post(upload, await png(raw))).toEqual([204, undefined]);
    const { status, output } = await ended(upload.job?.id ?? '');
    expect(status).toBe('succeeded');
    const result = await decode(await download(output?.sr_image_url));
    expect(result.data.equals(await enlargedWhole(raw, 8))).toBe(true);
    expect((await fetch(output?.sr_image_url ?? '')).headers.get('content-disposition')).toContain(
      'harbour-enlarged',
    );
  });

  it('may be larger than the API takes inline', async () => {
    const upload = await newUpload({ upscale_factor: 2, output_format: 'jpeg' });
    const image = await png(noise(1250, 1200));
    expect(image.toString('base64').length).toBeGreaterThan(5_500_000);
    expect(await post(upload, image)).toEqual([204, undefined]);
    expect(await ended(upload.job?.id ?? '')).toMatchObject({ output: { width: 2500, height: 2400 } });
  });

  it('is one job, however often it is sent', async () => {
    const upload = await newUpload({ upscale_factor: 2 });
    const image = await png(noise(10, 10));
    await Promise.all([1, 2, 3].map(() => post(upload, image)));
    const { id } = await ended(upload.job?.id ?? '');
    expect(await post(upload, image)).toEqual([204, undefined]);
    expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(await keys('results', `results/${id}/`)).toHaveLength(2);
  });

  it('starts no second job by another file in its place', async () => {
    const upload = await newUpload({ upscale_factor: 2 });
    await post(upload, await png(noise(10, 10)));
    const { id } = await ended(upload.job?.id ?? '');
    await post(upload, await png(noise(11, 11)));
    await until(async () => lines.some((line) => line.includes('another file') && line.includes(id)));
    expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1, output: { width: 20 } });
  });

  it('fails as a job where it is no picture', async () => {
    const upload = await newUpload();
    expect(await post(upload, Buffer.from('not a picture'))).toEqual([204, undefined]);
    expect(await ended(upload.job?.id ?? '')).toMatchObject({
      status: 'failed',
      error: { code: 'image_not_recognized' },
    });
  });

  it('waits to be named where the form starts no job', async () => {
    const upload = await newUpload({ start_job: false });
    expect(upload.job).toBeUndefined();
    const { upload_id } = upload;
    const early = await send('POST', '/v1/jobs', { upload_id });
    expect(early).toMatchObject({ status: 404, body: { code: 'upload_not_found', field: 'upload_id' } });
    await post(upload, await png(noise(12, 12)));
    const { id } = await submit({ upload_id, upscale_factor: 2 });
    expect(await ended(id)).toMatchObject({ status: 'succeeded', output: { width: 24 } });
    const { body } = await send('GET', '/v1/jobs?limit=1');
    expect(body).toMatchObject({ jobs: [{ id }] });
  });

  it('is erased with its job', async () => {
    const upload = await newUpload({ upscale_factor: 2 });
    await post(upload, await png(noise(10, 10)));
    const { id } = await ended(upload.job?.id ?? '');
    expect(await keys('uploads', upload.fields.key ?? '')).toHaveLength(1);
    expect((await send('DELETE', `/v1/jobs/${id}`)).status).toBe(204);
    expect(await keys('uploads', upload.fields.key ?? '')).toEqual([]);
    expect(await keys('results', `results/${id}/`)).toEqual([]);
  });

  it('stays for the other jobs that use it when one of them is erased, and goes with the last', async () => {
    const upload = await newUpload({ upscale_factor: 2 });
    const raw = noise(14, 10);
    await post(upload, await png(raw));
    const { id } = await ended(upload.job?.id ?? '');
    const { upload_id } = upload;
    const second = await submit({ upload_id, upscale_factor: 4 });
    expect((await send('DELETE', `/v1/jobs/${id}`)).status).toBe(204);
    const { status, output } = await ended(second.id);
    expect(status).toBe('succeeded');
    expect(
      (await decode(await download(output?.sr_image_url))).data.equals(await enlargedWhole(raw, 4)),
    ).toBe(true);
    expect(await keys('uploads', upload.fields.key ?? '')).toHaveLength(1);
    expect((await send('DELETE', `/v1/jobs/${second.id}`)).status).toBe(204);
    expect(await keys('uploads', upload.fields.key ?? '')).toEqual([]);
  });
});

describe('the form', () => {
  it('is refused with a file over its size', async () => {
    const upload = await newUpload({ max_bytes: 1000 });
    expect(upload.max_bytes).toBe(1000);
    expect(await post(upload, Buffer.alloc(1001))).toEqual([400, 'EntityTooLarge']);
    expect(await post(upload, Buffer.alloc(0))).toEqual([400, 'EntityTooSmall']);
    expect((await newUpload({ max_bytes: 1e12 })).max_bytes).toBe(33_554_432);
  });

  it('is refused with another type, key, request or bucket than it was signed for', async () => {
    const upload = await newUpload();
    const image = await png(noise(5, 5));
    const request = Buffer.from(
      '{"model":"super-resolution","parameters":{"upscale_factor":8},"start_job":true}',
    );
    const changes = {
      'Content-Type': 'text/html',
      key: 'uploads/somebody/upl_aaaaaaaaaaaaaaaaaaaaaaaa',
      'x-amz-meta-outboard-request': request.toString('base64url'),
      Policy: Buffer.from(JSON.stringify({ expiration: '2099-01-01T00:00:00Z', conditions: [] })).toString(
        'base64',
      ),
      acl: 'public-read',
    };
    for (const [field, value] of Object.entries(changes)) {
      expect([field, ...(await post(upload, image, { [field]: value }))]).toEqual([
        field,
        403,
        expect.any(String),
      ]);
    }
    const elsewhere = { ...upload, url: upload.url.replace('uploads', 'results') };
    expect((await post(elsewhere, image))[0]).toBe(403);
    expect(await keys('uploads', upload.fields.key ?? '')).toEqual([]);
  });

  it.each([
    [{ content_type: 'image/svg+xml' }, 'invalid_request', 'content_type'],
    [{ max_bytes: 0 }, 'invalid_request', 'max_bytes'],
    [{ upscale_factor: 3 }, 'unsupported_upscale_factor', 'upscale_factor'],
    [{ image_name: '../x.png' }, 'invalid_request', 'image_name'],
    [{ key: 'x' }, 'unknown_field', 'key'],
    [{ model: 'none' }, 'unknown_model', 'model'],
  ])('is not given for %j', async (fields, code, field) => {
    const answer = await send('POST', '/v1/uploads', { content_type: 'image/png', ...fields });
    expect(answer.body).toMatchObject({ code, field });
  });
});

describe.skipIf(!existsSync(BROWSER))(`a web page of another origin, in ${BROWSER}`, () => {
  it('uploads a picture by the form and follows the job through the API', async () => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>');
    }).listen(0, HOST);
    const browser = await chromium.launch({
      executablePath: BROWSER,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    onTestFinished(async () => {
      await browser.close();
      server.close();
    });
    const page = await browser.newPage();
    await page.goto(`http://${HOST}:${(server.address() as AddressInfo).port}/`);
    const image = (await png(noise(21, 13))).toString('base64');

    const seen = await page.evaluate(
      async ({ url, key, image }) => {
        const call = async <T>(route: string, body?: object): Promise<T> => {
          const headers = { 'x-api-key': key, 'content-type': 'application/json' };
          const answer = await fetch(
            url + route,
            body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
          );
          return answer.json() as Promise<T>;
        };
        const upload = await call<Form & { job: { id: string } }>('/v1/uploads', {
          content_type: 'image/png',
          upscale_factor: 2,
        });
        const form = new FormData();
        for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
        form.append('file', await (await fetch(`data:image/png;base64,${image}`)).blob(), 'picture.png');
        const stored = await fetch(upload.url, { method: 'POST', body: form });
        let job: { status: string | number };
        do job = await call<{ status: string | number }>(`/v1/jobs/${upload.job.id}?wait=5`);
        while (job.status !== 'succeeded' && job.status !== 'failed');
        const refused = await call<object>('/v1/jobs', { image_base64: image, upscale_factor: 3 });
        return { stored: stored.status, job, refused };
      },
      { url, key: API_KEY, image },
    );
    expect(seen.stored).toBe(204);
    expect(jobSchema.parse(seen.job)).toMatchObject({
      status: 'succeeded',
      output: { width: 42, height: 26 },
    });
    expect(seen.refused).toMatchObject({ code: 'unsupported_upscale_factor' });
  });

  it('may send every header that the API knows', async () => {
    const answer = await send('OPTIONS', '/v1/jobs', undefined, {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,idempotency-key,prefer,x-api-key',
    });
    expect(answer.headers.get('access-control-allow-origin')).toMatch(/^(\*|http:\/\/page\.example)$/);
    expect(answer.body).not.toMatchObject({ message: expect.stringContaining('CORS error') });
  });
});
