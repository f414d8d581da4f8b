/** The API under abuse: whatever is sent, the answer is a problem with a code of the table, and never a 5xx. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorKinds } from '../../shared/errors.ts';
import { problemSchema } from '../../shared/responses.ts';
import { noise, png } from './pictures.ts';
import { type Answer, setup } from './setup.ts';

const { send, ended } = setup(4700);

const ID = 'job_aaaaaaaaaaaaaaaaaaaaaaaa';
const ANY_ORIGIN = /^(\*|http:\/\/page\.example)$/;
const json = { 'content-type': 'application/json' };

/** The code of a refusal, whose form is checked. */
function codeOf({ status, headers, body }: Answer): string {
  expect(headers.get('content-type'), JSON.stringify(body)).toMatch(/^application\/problem\+json/);
  expect(headers.get('access-control-allow-origin')).toMatch(ANY_ORIGIN);
  const problem = problemSchema.parse(body);
  expect(problem.status).toBe(status);
  expect(problem.type).toBe(`urn:outboard:error:${problem.code}`);
  expect(Object.keys(errorKinds)).toContain(problem.code);
  return problem.code;
}

describe('a body', () => {
  it('over the limit is refused with the way that has none', async () => {
    for (const megabytes of [6, 12]) {
      const answer = await send('POST', '/v1/jobs', { image_base64: 'A'.repeat(megabytes * 1e6) });
      expect(codeOf(answer)).toBe('body_too_large');
      expect(answer.status).toBe(413);
      expect(JSON.stringify(answer.body)).toContain('POST /v1/uploads');
    }
  });

  it.each([
    ['', 'invalid_json'],
    ['{', 'invalid_json'],
    ['{"a":1}{', 'invalid_json'],
    ["{'a':1}", 'invalid_json'],
    ['[]', 'invalid_request'],
    ['17', 'invalid_request'],
    ['{}', 'input_missing'],
    ['{"image_base64":"AAAA","x":1}', 'unknown_field'],
    ['{"image_base64":"AAAA","__proto__":{"x":1}}', 'unknown_field'],
    ['{"image_base64":"AAAA","constructor":1}', 'unknown_field'],
    ['{"image_base64":"AAAA","upscale_factor":3}', 'unsupported_upscale_factor'],
    ['{"image_base64":"AAAA","upscale_factor":"four"}', 'unsupported_upscale_factor'],
    ['{"image_base64":"AAAA","upscale_factor":[4]}', 'unsupported_upscale_factor'],
    ['{"image_base64":"AAAA","upscale_factor":1e400}', 'unsupported_upscale_factor'],
    ['{"image_base64":"AAAA","image_url":"http://a.example/"}', 'input_ambiguous'],
    ['{"image_base64":"AA=A"}', 'invalid_base64'],
    ['{"image_base64":"%%%%"}', 'invalid_base64'],
    ['{"image_base64":"\\u0000"}', 'invalid_base64'],
    ['{"image_base64":{"length":3}}', 'invalid_request'],
    ['{"image_base64":"AAAA"}', 'image_not_recognized'],
    ['{"image_url":"file:///etc/passwd"}', 'url_invalid'],
    ['{"image_url":"http://user:secret@a.example/"}', 'url_invalid'],
    ['{"image_url":"//a.example/"}', 'url_invalid'],
    ['{"image_url":"javascript:alert(1)"}', 'url_invalid'],
    ['{"upload_id":"../../x"}', 'invalid_request'],
    ['{"upload_id":"upl_aaaaaaaaaaaaaaaaaaaaaaaa"}', 'upload_not_found'],
    ['{"image_base64":"AAAA","model":"../../etc"}', 'unknown_model'],
    ['{"image_base64":"AAAA","model":"constructor"}', 'unknown_model'],
    ['{"image_base64":"AAAA","image_name":"a/b"}', 'invalid_request'],
    ['{"image_base64":"AAAA","image_name":"a\\u0000b"}', 'invalid_request'],
    ['{"image_base64":"AAAA","image_name":"\\ud800"}', 'invalid_request'],
    ['{"image_base64":"AAAA","quality":0}', 'invalid_request'],
    ['{"image_base64":"AAAA","output_format":"exe"}', 'invalid_request'],
  ])('%s is refused as %s', async (body, code) => {
    expect(codeOf(await send('POST', '/v1/jobs', body, json))).toBe(code);
  });

  it('nested without end is refused', async () => {
    expect(codeOf(await send('POST', '/v1/jobs', '['.repeat(1_000_000), json))).toBe('invalid_json');
  });

  it('made of padding is refused as fast as any other', async () => {
    const answer = await send('POST', '/v1/jobs', { image_base64: `${'='.repeat(4_000_000)}A` });
    expect(codeOf(answer)).toBe('invalid_base64');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'image/png'])(
    'declared as %s is refused',
    async (type) => {
      expect(codeOf(await send('POST', '/v1/jobs', '{}', { 'content-type': type }))).toBe(
        'unsupported_media_type',
      );
    },
  );
});

describe('a route', () => {
  it.each([
    ['GET', '/nowhere', 'route_not_found'],
    ['GET', '/v1', 'route_not_found'],
    ['GET', '/v2/jobs', 'route_not_found'],
    ['PUT', '/v1/jobs', 'route_not_found'],
    ['PATCH', `/v1/jobs/${ID}`, 'route_not_found'],
    ['DELETE', '/v1/jobs', 'route_not_found'],
    ['GET', `/v1/jobs/${ID}/cancel`, 'route_not_found'],
    ['GET', '//v1/jobs', 'route_not_found'],
    ['GET', `/v1/jobs/${ID}`, 'job_not_found'],
    ['POST', `/v1/jobs/${ID}/cancel`, 'job_not_found'],
    ['POST', `/v1/jobs/${ID}/retry`, 'job_not_found'],
    ['DELETE', `/v1/jobs/${ID}`, 'job_not_found'],
    ['GET', '/v1/jobs/none', 'job_not_found'],
    ['GET', '/v1/jobs/..%2f..%2fmodels', 'job_not_found'],
    ['DELETE', '/v1/jobs/job_%2e%2e%2f', 'job_not_found'],
    ['GET', `/v1/jobs/${encodeURIComponent('漢字 🙂')}`, 'job_not_found'],
    ['GET', '/v1/jobs/%00', 'job_not_found'],
    ['GET', `/v1/jobs/${'a'.repeat(300)}`, 'job_not_found'],
    ['GET', '/v1/models/none', 'unknown_model'],
    ['GET', '/v1/models/__proto__', 'unknown_model'],
    ['GET', '/v1/models/%25E0', 'unknown_model'],
    ['GET', '/v1/models/%E0%A4%A', 'invalid_request'],
    ['GET', '/v1/jobs?limit=0', 'invalid_request'],
    ['GET', '/v1/jobs?limit=101', 'invalid_request'],
    ['GET', '/v1/jobs?status=done', 'invalid_request'],
    ['GET', `/v1/jobs/${ID}?wait=-1`, 'invalid_request'],
    ['GET', `/v1/jobs/${ID}?wait=1e3`, 'invalid_request'],
  ])('%s %s answers with %s', async (method, route, code) => {
    expect(codeOf(await send(method, route))).toBe(code);
  });

  it('is not opened without a key or with a wrong one, whatever it is', async () => {
    for (const key of ['', 'outboard', 'OUTBOARD-LOCAL', 'outboard-local,outboard-local']) {
      for (const [method, route] of [
        ['GET', '/v1/jobs'],
        ['POST', '/v1/jobs'],
        ['POST', '/v1/uploads'],
        ['GET', `/v1/jobs/${ID}`],
        ['DELETE', `/v1/jobs/${ID}`],
        ['GET', '/v1/models'],
      ] as const) {
        const answer = await send(method, route, method === 'POST' ? {} : undefined, { 'x-api-key': key });
        expect([answer.status, codeOf(answer)]).toEqual([403, 'unauthorized']);
      }
    }
  });
});

describe('a cursor', () => {
  const encode = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');

  it('that was tampered with is refused', async () => {
    const image_base64 = (await png(noise(4, 4))).toString('base64');
    for (let round = 0; round < 2; round += 1) await send('POST', '/v1/jobs', { image_base64 });
    const { body } = await send('GET', '/v1/jobs?limit=1');
    const { cursor } = body as { cursor: string };
    const key = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    expect((await send('GET', `/v1/jobs?cursor=${cursor}`)).status).toBe(200);
    for (const change of [
      { tenant: 'another' },
      { id: '' },
      { id: 'x'.repeat(1500) },
      { id: 7 },
      { created_at: '' },
      { created_at: 'yesterday' },
      { created_at: 'y'.repeat(1200) },
      { created_at: null },
    ]) {
      const answer = await send('GET', `/v1/jobs?cursor=${encode({ ...key, ...change })}`);
      expect(codeOf(answer), JSON.stringify(change)).toBe('invalid_request');
    }
    for (const text of [
      'x',
      '%00',
      encode(null),
      encode([]),
      encode({ __proto__: key }),
      `${'x'.repeat(3000)}`,
    ]) {
      expect(codeOf(await send('GET', `/v1/jobs?cursor=${text}`)), text.slice(0, 50)).toBe('invalid_request');
    }
  });
});

describe('a header', () => {
  it.each([
    ['idempotency-key', '', 'invalid_idempotency_key'],
    ['idempotency-key', 'é', 'invalid_idempotency_key'],
    ['idempotency-key', `${'k'.repeat(256)}`, 'invalid_idempotency_key'],
    ['prefer', 'wait=9999999', 'invalid_request'],
    ['content-type', 'multipart/form-data', 'invalid_request'],
    ['content-type', ';;;', 'invalid_request'],
  ])('%s: %s is refused as %s', async (name, value, code) => {
    expect(codeOf(await send('POST', '/v1/jobs', '{}', { ...json, [name]: value }))).toBe(code);
  });

  it('that is huge is refused before it reaches anything', async () => {
    const answer = await send('GET', '/v1/health', undefined, { 'x-huge': 'x'.repeat(20_000) });
    expect(answer.status).toBe(431);
  });
});

describe('anything at all', () => {
  it('is answered without a 5xx, and every refusal is a problem', { timeout: 180_000 }, async () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', ID, 'null', '..', '%'),
    );
    const segment = text.map((it) => encodeURIComponent(it.toWellFormed()));
    const route = fc.oneof(
      fc.constantFrom('/v1/jobs', '/v1/uploads', '/v1/models', '/v1/health', `/v1/jobs/${ID}/cancel`),
      segment.map((it) => `/v1/jobs/${it}`),
      segment.map((it) => `/v1/jobs/${it}/retry`),
      segment.map((it) => `/v1/models/${it}`),
      fc
        .tuple(fc.constantFrom('limit', 'cursor', 'status'), segment)
        .map(([name, it]) => `/v1/jobs?${name}=${it}`),
      segment.map((it) => `/${it}`),
    );
    const field = fc.constantFrom(
      ...['model', 'image_url', 'image_base64', 'image_name', 'upload_id', 'upscale_factor', 'output_format'],
      ...['quality', 'content_type', 'max_bytes', 'start_job', 'other'],
    );
    const value = fc.oneof(
      fc.jsonValue(),
      text,
      fc.constantFrom(
        2,
        '4',
        'png',
        'image/png',
        'http://127.0.0.1:1/',
        'iVBORw0KGgo=',
        'super-resolution',
        true,
      ),
    );
    const body = fc.oneof(
      { weight: 4, arbitrary: fc.dictionary(field, value).map((it) => JSON.stringify(it)) },
      fc.json(),
      text,
    );
    const header = fc.string({ unit: fc.constantFrom(...' =;,/*"azAZ09') });
    const headers = fc.dictionary(
      fc.constantFrom('prefer', 'idempotency-key', 'content-type', 'accept'),
      header,
    );
    const method = fc.constantFrom('GET', 'POST', 'POST', 'POST', 'DELETE', 'PUT');

    await fc.assert(
      fc.asyncProperty(method, route, body, headers, async (method, route, body, headers) => {
        // `Prefer: wait` would only make this slow.
        const sent = {
          ...headers,
          ...(headers.prefer === undefined ? {} : { prefer: `x${headers.prefer}` }),
        };
        const answer = await send(method, route, method === 'GET' ? undefined : body, sent);
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
        if (answer.status >= 400) codeOf(answer);
      }),
      { numRuns: 400, endOnFailure: true },
    );
  });

  it('leaves a stack that works', async () => {
    const { body } = await send('POST', '/v1/jobs', {
      image_base64: (await png(noise(5, 5))).toString('base64'),
    });
    expect(await ended((body as { id: string }).id)).toMatchObject({ status: 'succeeded' });
  });
});
