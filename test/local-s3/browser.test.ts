import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { createPresignedPost, type PresignedPostOptions } from '@aws-sdk/s3-presigned-post';
import { describe, expect, it } from 'vitest';
import { outcome, setup as startServer } from './setup.ts';

const ORIGIN = 'https://app.example';

async function setup() {
  const s3 = await startServer();
  return {
    ...s3,
    sign: (more: Partial<PresignedPostOptions> = {}) =>
      createPresignedPost(s3.client, { ...s3.at('uploads/k'), ...more }),
    send: (
      form: { url: string; fields: Record<string, string> },
      file: string | Buffer = 'picture',
      name = 'a.png',
    ) => {
      const body = new FormData();
      for (const [field, value] of Object.entries(form.fields)) body.append(field, value);
      body.append('file', new Blob([typeof file === 'string' ? file : new Uint8Array(file)]), name);
      return fetch(form.url, { method: 'POST', body, headers: { origin: ORIGIN } });
    },
  };
}

describe('a form upload', () => {
  it('is refused after the policy has expired', async () => {
    const { sign, send } = await setup();
    expect(await outcome(await send(await sign({ Expires: -1 })))).toEqual([403, 'AccessDenied']);
  });

  it('is refused without a policy, with a broken one, and by an unknown key', async () => {
    const { sign, send } = await setup();
    const form = await sign();
    const { Policy: _, ...bare } = form.fields;
    expect(await outcome(await send({ ...form, fields: bare }))).toEqual([403, 'AccessDenied']);
    const credential = (form.fields['X-Amz-Credential'] ?? '').replace(/^local/, 'nobody');
    const foreign = { ...form.fields, 'X-Amz-Credential': credential };
    expect(await outcome(await send({ ...form, fields: foreign }))).toEqual([403, 'InvalidAccessKeyId']);
    const signature = form.fields['X-Amz-Signature']?.replace(/./g, '0') ?? '';
    const unsigned = { ...form.fields, 'X-Amz-Signature': signature };
    expect(await outcome(await send({ ...form, fields: unsigned }))).toEqual([403, 'SignatureDoesNotMatch']);
  });

  it('answers with the status that was asked for, and 204 otherwise', async () => {
    const { sign, send } = await setup();
    const ask = async (status?: string) =>
      send(await sign(status === undefined ? {} : { Fields: { success_action_status: status } }));
    expect((await ask()).status).toBe(204);
    expect((await ask('200')).status).toBe(200);
    expect((await ask('302')).status).toBe(204);
    const created = await ask('201');
    expect(created.status).toBe(201);
    expect(await created.text()).toMatch(/<PostResponse.*<Key>uploads\/k<.*<ETag>&quot;[0-9a-f]{32}&quot;</);
  });

  it('puts the name of the file into the key, without the folders of the user', async () => {
    const { sign, send, client, at } = await setup();
    const form = await sign({ Key: `uploads/$\{filename}` });
    expect((await send(form, 'picture', 'C:\\photos\\été "1".png')).status).toBe(204);
    const answer = await client.send(new GetObjectCommand(at('uploads/été %221%22.png')));
    expect(await answer.Body?.transformToString()).toBe('picture');
  });

  it('may choose the end of a field whose start is bound, also of each type in a list', async () => {
    const { sign, send } = await setup();
    const form = await sign({ Conditions: [['starts-with', '$Content-Type', 'image/']] });
    const as = async (type: string) =>
      (await send({ ...form, fields: { ...form.fields, 'Content-Type': type } })).status;
    expect(await as('image/png')).toBe(204);
    expect(await as('image/png,image/webp')).toBe(204);
    expect(await as('image/png,text/html')).toBe(403);
    expect((await send(form)).status).toBe(403);
  });

  it('needs no condition for fields that are to be ignored', async () => {
    const { sign, send } = await setup();
    const form = await sign();
    expect((await send({ ...form, fields: { ...form.fields, 'x-ignore-csrf': '1' } })).status).toBe(204);
    expect((await send({ ...form, fields: { ...form.fields, csrf: '1' } })).status).toBe(403);
  });

  it('that is far too large is refused while it comes in, and the connection goes on', async () => {
    const { sign, send, blobs } = await setup();
    const form = await sign({ Conditions: [['content-length-range', 0, 1_000]] });
    for (let round = 0; round < 3; round += 1) {
      expect(await outcome(await send(form, Buffer.alloc(24 * 1024 * 1024)))).toEqual([
        400,
        'EntityTooLarge',
      ]);
    }
    expect(await blobs()).toBe(0);
    expect((await send(form)).status).toBe(204);
  });

  it('that is refused early is read to its end, for clients that send all before they listen', async () => {
    const { sign, server } = await setup();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const form = await sign({ Expires: -1 });
    const fields = Object.entries(form.fields).map(
      ([name, value]) => `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const head = `${fields.join('')}--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`;
    const headers = { 'content-type': 'multipart/form-data; boundary=edge' };
    for (let round = 0; round < 2; round += 1) {
      const upload = request(`${server.url}/pictures`, { method: 'POST', headers, agent });
      const answered = once(upload, 'response');
      const sent = once(upload, 'finish');
      upload.end(
        Buffer.concat([Buffer.from(head), Buffer.alloc(32 * 1024 * 1024), Buffer.from('\r\n--edge--')]),
      );
      await sent;
      const [answer] = await answered;
      expect(answer.statusCode).toBe(403);
      await once(answer.resume(), 'end');
    }
    agent.destroy();
  });

  it('keeps a file that looks like the form around it', async () => {
    const { sign, client, at } = await setup();
    const form = await sign();
    const boundary = 'edge';
    const file = Buffer.concat([
      Buffer.from('\r\n--edg\r\n--\r\n\r\n-'),
      randomBytes(200_000),
      Buffer.from('\r\n'),
    ]);
    const head = Object.entries(form.fields)
      .map(
        ([name, value]) =>
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join('');
    const body = Buffer.concat([
      Buffer.from(
        `${head}--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`,
      ),
      file,
      Buffer.from(`\r\n--${boundary}--`),
    ]);
    const headers = { 'content-type': `multipart/form-data; boundary="${boundary}"` };
    expect((await fetch(form.url, { method: 'POST', headers, body })).status).toBe(204);
    const { Body } = await client.send(new GetObjectCommand(at('uploads/k')));
    expect(file.equals(Buffer.from((await Body?.transformToByteArray()) ?? []))).toBe(true);
    const cut = await fetch(form.url, { method: 'POST', headers, body: body.subarray(0, -8) });
    expect(await outcome(cut)).toEqual([400, 'IncompleteBody']);
  });

  it('is refused without a file, and with fields that do not end', async () => {
    const { sign, send } = await setup();
    const form = await sign();
    const body = new FormData();
    for (const [field, value] of Object.entries(form.fields)) body.append(field, value);
    expect(await outcome(await fetch(form.url, { method: 'POST', body }))).toEqual([400, 'InvalidArgument']);
    const long = { ...form.fields, 'x-ignore-this': 'x'.repeat(30_000) };
    expect(await outcome(await send({ ...form, fields: long }))).toEqual([
      400,
      'MaxPostPreDataLengthExceeded',
    ]);
  });

  it('keeps metadata in any script as S3 encodes it', async () => {
    const { sign, send, client, at } = await setup();
    await send(await sign({ Fields: { 'x-amz-meta-name': 'été' } }));
    const { Metadata } = await client.send(new HeadObjectCommand(at('uploads/k')));
    expect(Metadata).toEqual({ name: `=?UTF-8?B?${Buffer.from('été').toString('base64')}?=` });
  });
});

describe('a page of another origin', () => {
  const preflight = (url: string, origin: string, method = 'POST') =>
    fetch(`${url}/pictures`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      },
    });

  it('may ask in advance, where the bucket allows its origin', async () => {
    const { server } = await setup();
    for (const origin of [ORIGIN, 'http://localhost:5173']) {
      const answer = await preflight(server.url, origin);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
      expect(answer.headers.get('access-control-allow-headers')).toBe('content-type');
    }
  });

  it('is refused where its origin or method is not allowed', async () => {
    const { server } = await setup();
    for (const [origin, method] of [
      ['https://app.example.evil', 'POST'],
      ['http://localhost', 'POST'],
      [ORIGIN, 'PATCH'],
    ]) {
      const answer = await preflight(server.url, origin ?? '', method);
      expect(await outcome(answer)).toEqual([403, 'AccessForbidden']);
    }
    const closed = await startServer({ buckets: [{ name: 'pictures' }] });
    expect((await preflight(closed.server.url, ORIGIN)).status).toBe(403);
  });

  it('may read the answer to its upload, also when that is an error', async () => {
    const { sign, send, server } = await setup();
    const good = await send(await sign());
    const bad = await send(await sign({ Expires: -1 }));
    for (const answer of [good, bad]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(answer.headers.get('access-control-expose-headers')).toContain('ETag');
    }
    const other = await fetch(`${server.url}/pictures/k`, { headers: { origin: 'https://other.example' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });
});
