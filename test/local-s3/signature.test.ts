import { request } from 'node:http';
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import { credentials, outcome, setup as startServer } from './setup.ts';

async function setup() {
  const s3 = await startServer();
  await s3.client.send(new PutObjectCommand({ ...s3.at('a b.png'), Body: 'picture' }));
  const presign = (more: { expiresIn?: number; signingDate?: Date } = {}) =>
    getSignedUrl(s3.client, new GetObjectCommand(s3.at('a b.png')), more);
  return { ...s3, presign };
}

const minutesFromNow = (minutes: number) => new Date(Date.now() + minutes * 60_000);

describe('a signed request', () => {
  it('is refused without a signature', async () => {
    const { server } = await setup();
    expect(await outcome(await fetch(`${server.url}/pictures/a%20b.png`))).toEqual([403, 'AccessDenied']);
  });

  it('is refused when the secret or the access key is another', async () => {
    const { clientWith } = await setup();
    const list = (accessKeyId: string, secretAccessKey: string) =>
      clientWith({ credentials: { accessKeyId, secretAccessKey } }).send(new ListBucketsCommand({}));
    await expect(list(credentials.accessKeyId, 'guessed')).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
    await expect(list('nobody', credentials.secretAccessKey)).rejects.toMatchObject({
      name: 'InvalidAccessKeyId',
    });
    await expect(list(credentials.accessKeyId, credentials.secretAccessKey)).resolves.toMatchObject({
      Buckets: [{ Name: 'pictures' }],
    });
  });

  it('is refused when the clock of its signer is off by more than a quarter of an hour', async () => {
    const { clientWith } = await setup();
    const listAt = (minutes: number) =>
      clientWith({ systemClockOffset: minutes * 60_000, maxAttempts: 1 }).send(new ListBucketsCommand({}));
    await expect(listAt(-16)).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' });
    await expect(listAt(16)).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' });
    await expect(listAt(-14)).resolves.toBeDefined();
  });

  it('is refused when the body is not the one that was signed', async () => {
    const { client, at } = await setup();
    client.middlewareStack.add(
      (next) => (args) => {
        Object.assign(args.request as object, { body: 'another' });
        return next(args);
      },
      { step: 'deserialize' },
    );
    await expect(client.send(new PutObjectCommand({ ...at('k'), Body: 'picture' }))).rejects.toMatchObject({
      name: expect.stringMatching(/^(XAmzContentSHA256Mismatch|BadDigest)$/),
    });
  });
});

describe('a presigned link', () => {
  it('is refused when any part of it was changed', async () => {
    const { presign } = await setup();
    const link = await presign({ expiresIn: 60 });
    expect((await fetch(link)).status).toBe(200);
    for (const changed of [
      link.replace('a%20b.png', 'a%20c.png'),
      link.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000'),
      `${link}&response-content-type=text%2Fhtml`,
      link.replace(/Signature=./, (start) => (start.endsWith('0') ? 'Signature=1' : 'Signature=0')),
      link.replace(/Signature=\w+/, 'Signature=00'),
    ]) {
      expect(await outcome(await fetch(changed))).toEqual([403, 'SignatureDoesNotMatch']);
    }
    expect(await outcome(await fetch(link, { method: 'DELETE' }))).toEqual([403, 'SignatureDoesNotMatch']);
  });

  it('is refused after its time and before it', async () => {
    const { presign } = await setup();
    const age = async (minutes: number, expiresIn: number) =>
      outcome(await fetch(await presign({ expiresIn, signingDate: minutesFromNow(-minutes) })));
    expect(await age(2, 60)).toEqual([403, 'AccessDenied']);
    expect(await age(-16, 60)).toEqual([403, 'AccessDenied']);
    // Older than the skew that a signed header may have, but within its own time.
    expect(await age(60, 7_200)).toEqual([200, undefined]);
  });

  it('is refused with headers that its signer did not sign', async () => {
    const { presign } = await setup();
    const headers = { 'x-amz-copy-source': '/pictures/other' };
    expect(await outcome(await fetch(await presign(), { headers }))).toEqual([403, 'AccessDenied']);
  });

  it('cannot break out of a header of the answer', async () => {
    const { client, at } = await setup();
    const link = await getSignedUrl(
      client,
      new GetObjectCommand({ ...at('a b.png'), ResponseContentType: 'text/html\r\nset-cookie: a=b' }),
    );
    expect(await outcome(await fetch(link))).toEqual([400, 'InvalidArgument']);
  });
});

describe('a malformed request', () => {
  it('gets an answer of its own kind and leaves the server well', async () => {
    const { server, client } = await setup();
    const raw = (path: string, headers: Record<string, string> = {}) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(server.url, { path, headers }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject)
          .end();
      });
    expect(await raw('/pictures/%zz')).toBe(400);
    expect(await raw('/pictures/a', { authorization: 'Basic abc' })).toBe(400);
    expect(await raw('/pictures/a', { authorization: 'AWS4-HMAC-SHA256 Credential=x' })).toBe(400);
    expect(await raw('/pictures/a?X-Amz-Signature=0')).toBe(400);
    await expect(client.send(new ListBucketsCommand({}))).resolves.toBeDefined();
  });
});
