/** The client over a network that fails, and before servers that refuse. */
import { describe, expect, it } from 'vitest';
import { Outboard, OutboardApiError, OutboardConnectionError } from '../../client/outboard.ts';
import { API_KEY } from '../../local/settings.ts';
import { noise, png } from '../e2e/pictures.ts';
import { setup } from '../e2e/setup.ts';
import { collect } from './collect.ts';
import { startProxy } from './proxy.ts';

const { url, s3Url } = setup(5710);
const image = png(noise(12, 10)).then((bytes) => new Blob([new Uint8Array(bytes)]));
const direct = new Outboard({ endpoint: url, apiKey: API_KEY });

const refuse = (status: number, retryAfter: string, code: string) => ({
  status,
  headers: { 'content-type': 'application/problem+json', 'retry-after': retryAfter },
  body: JSON.stringify({ status, code, detail: 'Wait.' }),
});

describe('a client whose connection breaks after the job was accepted', () => {
  it('repeats the request under the same key: there is one job', async () => {
    const before = await collect(direct.jobs.list());
    const keys: (string | undefined)[] = [];
    const endpoint = await startProxy(url, async ({ request, pass, swallow }, index) => {
      keys.push(request.headers['idempotency-key']?.toString());
      await (index < 2 ? swallow() : pass());
    });
    const job = await new Outboard({ endpoint, apiKey: API_KEY }).submit('super-resolution', await image);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    const after = await collect(direct.jobs.list());
    expect(after.length - before.length).toBe(1);
    expect(after[0]?.id).toBe(job.id);
  });

  it('does not repeat what a second time could mean something else', async () => {
    const { id } = await direct.submit('super-resolution', await image);
    await direct.wait(id);
    let visits = 0;
    const endpoint = await startProxy(url, async ({ swallow }) => {
      visits += 1;
      await swallow();
    });
    const outboard = new Outboard({ endpoint, apiKey: API_KEY });
    await expect(outboard.jobs.retry(id)).rejects.toBeInstanceOf(OutboardConnectionError);
    expect(visits).toBe(1);
  });

  it('goes on watching', async () => {
    const endpoint = await startProxy(url, async ({ pass, response }, index) => {
      if (index % 2 === 1) response.destroy();
      else await pass();
    });
    const outboard = new Outboard({ endpoint, apiKey: API_KEY });
    expect(await outboard.run('super-resolution', await image)).toMatchObject({ status: 'succeeded' });
  });
});

describe('a client that is told to come back later', () => {
  it('waits at least as long as Retry-After says', async () => {
    const at: number[] = [];
    const endpoint = await startProxy(url, async ({ pass, response }, index) => {
      at.push(performance.now());
      if (index > 0) return pass();
      const { status, headers, body } = refuse(429, '1', 'too_many_requests');
      response.writeHead(status, headers).end(body);
    });
    await new Outboard({ endpoint, apiKey: API_KEY }).models.list();
    const [first = 0, second = 0, ...rest] = at;
    expect(rest).toEqual([]);
    expect(second - first).toBeGreaterThan(990);
  });

  it.each([
    ['is told to wait for hours', '3600', 4, 1],
    ['is told so each time', '0', 2, 3],
  ])('gives up where it %s', async (_when, retryAfter, retries, visits) => {
    let seen = 0;
    const endpoint = await startProxy(url, async ({ response }) => {
      seen += 1;
      const { status, headers, body } = refuse(503, retryAfter, 'service_unavailable');
      response.writeHead(status, headers).end(body);
    });
    const failure = await new Outboard({ endpoint, apiKey: API_KEY, retries }).models
      .list()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutboardApiError);
    expect(failure).toMatchObject({
      status: 503,
      code: 'service_unavailable',
      retryAfterSeconds: Number(retryAfter),
    });
    expect(seen).toBe(visits);
  });
});

describe('errors', () => {
  it('tell code, status, field, sentence and the id of the request', async () => {
    const failure = await direct
      .submit('super-resolution', await image, { upscale_factor: 3 as 2 })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutboardApiError);
    expect(failure).toMatchObject({
      status: 400,
      code: 'unsupported_upscale_factor',
      field: 'upscale_factor',
      message: expect.stringContaining('2'),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('name a wrong key, an address where nobody listens, and one where somebody else does', async () => {
    const models = (endpoint: string, apiKey: string) =>
      new Outboard({ endpoint, apiKey, retries: 0 }).models.list();
    await expect(models(url, 'wrong')).rejects.toMatchObject({ status: 403, code: 'unauthorized' });
    await expect(models('http://127.0.0.1:9', API_KEY)).rejects.toThrow(
      'http://127.0.0.1:9 could not be reached',
    );
    await expect(models(s3Url, API_KEY)).rejects.toMatchObject({ code: 'unexpected_answer' });
  });

  it('name a file that the store will not take, before and after it is sent', async () => {
    const form = await direct.uploads.create({ content_type: 'image/png', max_bytes: 10, start_job: false });
    await expect(direct.uploads.post(form, await image)).rejects.toMatchObject({
      status: 400,
      code: 'upload_refused',
      message: expect.stringMatching(/size/i),
    });
    const huge = new Blob([new Uint8Array(await (await image).arrayBuffer()), new Uint8Array(33_554_432)]);
    await expect(direct.uploads.send(huge)).rejects.toMatchObject({ code: 'input_too_large' });
  });

  it('of text that is no address come before anything is sent', async () => {
    await expect(direct.run('super-resolution', 'photo.jpg')).rejects.toThrow('openAsBlob');
  });
});

describe('the address of a stage', () => {
  it.each(['', '/', '/v1', '/v1/'])('may end with "%s"', async (end) => {
    const outboard = new Outboard({ endpoint: url + end, apiKey: API_KEY });
    expect((await outboard.models.list()).length).toBeGreaterThan(0);
  });
});
