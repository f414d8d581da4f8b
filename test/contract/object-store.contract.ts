/**
 * What Outboard needs of an object store, through the real SDK with its default settings. The suite runs on the
 * local server and on S3 itself: a test that only one of them passes shows where the local stack would mislead.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BucketUnderTest } from './bucket.ts';

const MIN_PART = 5 * 1024 * 1024;
const status = (code: number) => ({ $metadata: expect.objectContaining({ httpStatusCode: code }) });

export function objectStoreContract(name: string, open: () => Promise<BucketUnderTest>): void {
  describe(`the object store (${name})`, () => {
    const root = `contract/${randomUUID()}/`;
    let store: BucketUnderTest;

    beforeAll(async () => {
      store = await open();
    });

    afterAll(async () => {
      const { client, bucket } = store;
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: root }));
      const Objects = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
      if (Objects.length > 0) {
        await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
      }
      await store.close();
    });

    function setup() {
      const { client, bucket } = store;
      const prefix = `${root}${randomUUID()}/`;
      const at = (key: string) => ({ Bucket: bucket, Key: key });
      return {
        client,
        prefix,
        key: `${prefix}object`,
        at,
        put: (
          key: string,
          body: NonNullable<PutObjectCommandInput['Body']>,
          more: Partial<PutObjectCommandInput> = {},
        ) => client.send(new PutObjectCommand({ ...at(key), Body: body, ...more })),
        read: async (key: string) => {
          const { Body } = await client.send(new GetObjectCommand(at(key)));
          return Buffer.from((await Body?.transformToByteArray()) ?? []);
        },
        list: (more: {
          Delimiter?: string;
          MaxKeys?: number;
          StartAfter?: string;
          ContinuationToken?: string;
        }) => client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...more })),
        post: async (form: { url: string; fields: Record<string, string> }, file: Buffer) => {
          const body = new FormData();
          for (const [field, value] of Object.entries(form.fields)) body.append(field, value);
          body.append('file', new Blob([new Uint8Array(file)]), 'picture.png');
          return fetch(form.url, { method: 'POST', body });
        },
        presignPost: (key: string) =>
          createPresignedPost(client, {
            ...at(key),
            Conditions: [
              ['content-length-range', 1, 1_000],
              ['eq', '$Content-Type', 'image/png'],
            ],
            Fields: { 'Content-Type': 'image/png', 'x-amz-meta-job': 'j-1' },
          }),
      };
    }

    it('gives back the bytes, the length and the entity tag of what was put', async () => {
      const { client, put, read, key, at } = setup();
      const bytes = randomBytes(70_000);
      const { ETag } = await put(key, bytes);
      expect(await read(key)).toEqual(bytes);
      expect(await client.send(new HeadObjectCommand(at(key)))).toMatchObject({
        ContentLength: 70_000,
        ETag,
      });
    });

    it('stores a stream, and an empty body', async () => {
      const { put, read, key } = setup();
      const bytes = randomBytes(300_000);
      await put(key, Readable.from([bytes.subarray(0, 100_001), bytes.subarray(100_001)]), {
        ContentLength: bytes.length,
      });
      expect(await read(key)).toEqual(bytes);
      await put(key, Buffer.alloc(0));
      expect(await read(key)).toHaveLength(0);
    });

    it('keeps metadata and the headers that browsers act on', async () => {
      const { client, put, key, at } = setup();
      const described = {
        Metadata: { tenant: 'a  b', 'upload-id': '42' },
        ContentType: 'image/webp',
        CacheControl: 'max-age=60',
        ContentDisposition: 'attachment; filename="a.webp"',
      };
      await put(key, 'x', described);
      expect(await client.send(new HeadObjectCommand(at(key)))).toMatchObject({
        ...described,
        Metadata: { tenant: expect.stringMatching(/^a +b$/), 'upload-id': '42' },
      });
    });

    it('reads ranges from the start, in the middle and from the end, and refuses one beyond it', async () => {
      const { client, put, key, at } = setup();
      await put(key, '0123456789');
      const range = async (Range: string) => {
        const answer = await client.send(new GetObjectCommand({ ...at(key), Range }));
        return [await answer.Body?.transformToString(), answer.ContentRange];
      };
      expect(await range('bytes=0-3')).toEqual(['0123', 'bytes 0-3/10']);
      expect(await range('bytes=4-')).toEqual(['456789', 'bytes 4-9/10']);
      expect(await range('bytes=8-99')).toEqual(['89', 'bytes 8-9/10']);
      expect(await range('bytes=-2')).toEqual(['89', 'bytes 8-9/10']);
      await expect(range('bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange', ...status(416) });
    });

    it('answers conditional reads with 304 and 412', async () => {
      const { client, put, key, at } = setup();
      const { ETag } = await put(key, 'x');
      const get = (more: object) => client.send(new GetObjectCommand({ ...at(key), ...more }));
      await expect(get({ IfNoneMatch: ETag })).rejects.toMatchObject(status(304));
      await expect(get({ IfMatch: '"0"' })).rejects.toMatchObject(status(412));
      await expect(get({ IfMatch: ETag })).resolves.toMatchObject({ ETag });
    });

    it('tells a missing object apart from every other failure', async () => {
      const { client, read, key, at } = setup();
      await expect(read(key)).rejects.toMatchObject({ name: 'NoSuchKey', ...status(404) });
      await expect(client.send(new HeadObjectCommand(at(key)))).rejects.toMatchObject({ name: 'NotFound' });
    });

    it('deletes, also what is not there, and many at once', async () => {
      const { client, put, list, key, prefix, at } = setup();
      await put(key, 'x');
      await client.send(new DeleteObjectCommand(at(key)));
      await client.send(new DeleteObjectCommand(at(key)));
      const keys = ['a', 'b & <c>', 'd'].map((name) => prefix + name);
      await Promise.all(keys.map((each) => put(each, 'x')));
      const Objects = keys.map((Key) => ({ Key }));
      const { Deleted } = await client.send(
        new DeleteObjectsCommand({ Bucket: at(key).Bucket, Delete: { Objects } }),
      );
      expect(Deleted?.map(({ Key }) => Key).sort()).toEqual(keys);
      expect((await list({})).KeyCount).toBe(0);
    });

    it('lets exactly one of many racing creations of a key win', async () => {
      const { put, read, key } = setup();
      const race = await Promise.allSettled(
        Array.from({ length: 8 }, (_, racer) => put(key, `racer ${racer}`, { IfNoneMatch: '*' })),
      );
      const winners = race.flatMap(({ status: outcome }, racer) => (outcome === 'fulfilled' ? [racer] : []));
      expect(winners).toHaveLength(1);
      expect((await read(key)).toString()).toBe(`racer ${winners[0]}`);
      await expect(put(key, 'late', { IfNoneMatch: '*' })).rejects.toMatchObject({
        name: 'PreconditionFailed',
        ...status(412),
      });
    });

    it('replaces an object only by its entity tag where that is asked', async () => {
      const { put, read, key } = setup();
      await expect(put(key, 'x', { IfMatch: '"0"' })).rejects.toMatchObject(status(404));
      const { ETag } = await put(key, 'one');
      await put(key, 'two', { IfMatch: ETag });
      await expect(put(key, 'three', { IfMatch: ETag })).rejects.toMatchObject({
        name: 'PreconditionFailed',
      });
      expect((await read(key)).toString()).toBe('two');
    });

    it('lists in pages, every key once and in the order of its bytes', async () => {
      const { put, list, prefix } = setup();
      const names = ['a', 'a/1', 'b', 'z', 'é', '\uffee', '\u{1f600}'];
      await Promise.all(names.map((name) => put(prefix + name, name)));
      const seen: (string | undefined)[] = [];
      let token: string | undefined;
      do {
        const page = await list({ MaxKeys: 3, ...(token && { ContinuationToken: token }) });
        seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
        token = page.NextContinuationToken;
        expect(page.IsTruncated).toBe(token !== undefined);
      } while (token !== undefined);
      expect(seen).toEqual(names.map((name) => prefix + name));
      const rest = await list({ StartAfter: `${prefix}b` });
      expect(rest.Contents?.[0]).toMatchObject({ Key: `${prefix}z`, Size: 1 });
    });

    it('rolls keys up to a delimiter, and pages over the roll-ups', async () => {
      const { put, list, prefix } = setup();
      await Promise.all(['1/a', '1/b', '2/a', '3', '4/a'].map((name) => put(prefix + name, name)));
      const first = await list({ Delimiter: '/', MaxKeys: 2 });
      expect(first.CommonPrefixes).toEqual([{ Prefix: `${prefix}1/` }, { Prefix: `${prefix}2/` }]);
      expect(first.KeyCount).toBe(2);
      const token = first.NextContinuationToken ?? '';
      const second = await list({ Delimiter: '/', MaxKeys: 2, ContinuationToken: token });
      expect(second.Contents?.map(({ Key }) => Key)).toEqual([`${prefix}3`]);
      expect(second.CommonPrefixes).toEqual([{ Prefix: `${prefix}4/` }]);
      expect(second.IsTruncated).toBe(false);
    });

    it('copies an object, with its metadata or with new', async () => {
      const { client, put, read, prefix, at } = setup();
      const source = `${prefix}a b+é.png`;
      await put(source, 'picture', { ContentType: 'image/png', Metadata: { from: 'here' } });
      const CopySource = `${at('').Bucket}/${encodeURIComponent(source)}`;
      await client.send(new CopyObjectCommand({ ...at(`${prefix}same`), CopySource }));
      await client.send(
        new CopyObjectCommand({
          ...at(`${prefix}new`),
          CopySource,
          MetadataDirective: 'REPLACE',
          Metadata: { from: 'there' },
        }),
      );
      expect((await read(`${prefix}same`)).toString()).toBe('picture');
      const head = (key: string) => client.send(new HeadObjectCommand(at(key)));
      expect(await head(`${prefix}same`)).toMatchObject({
        ContentType: 'image/png',
        Metadata: { from: 'here' },
      });
      expect(await head(`${prefix}new`)).toMatchObject({ Metadata: { from: 'there' } });
    });

    it('joins the parts of a multipart upload in their order', async () => {
      const { client, read, key, at } = setup();
      const bytes = randomBytes(MIN_PART + 1_000);
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          ...at(key),
          ContentType: 'image/tiff',
          ChecksumAlgorithm: 'CRC32',
        }),
      );
      const part = async (PartNumber: number, Body: Buffer) => {
        const sent = await client.send(new UploadPartCommand({ ...at(key), UploadId, PartNumber, Body }));
        return { PartNumber, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 };
      };
      const last = await part(7, bytes.subarray(MIN_PART));
      const first = await part(2, bytes.subarray(0, MIN_PART));
      const { Parts } = await client.send(new ListPartsCommand({ ...at(key), UploadId }));
      expect(Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
        [2, MIN_PART],
        [7, 1_000],
      ]);
      const complete = (Parts: object[], more = {}) =>
        client.send(
          new CompleteMultipartUploadCommand({ ...at(key), UploadId, MultipartUpload: { Parts }, ...more }),
        );
      await expect(complete([last, first])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
      await expect(complete([{ ...first, ETag: '"0"' }, last])).rejects.toMatchObject({
        name: 'InvalidPart',
      });
      const { ETag } = await complete([first, last], { IfNoneMatch: '*' });
      expect(ETag).toMatch(/-2"$/);
      expect((await read(key)).equals(bytes)).toBe(true);
      expect(await client.send(new HeadObjectCommand(at(key)))).toMatchObject({
        ContentType: 'image/tiff',
        ETag,
      });
    });

    it('refuses a multipart completion whose condition fails, and forgets an aborted upload', async () => {
      const { client, put, read, key, at } = setup();
      await put(key, 'first');
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(at(key)));
      const upload = { ...at(key), UploadId };
      const sent = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'second' }));
      const Parts = [{ PartNumber: 1, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32 }];
      await expect(
        client.send(
          new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, IfNoneMatch: '*' }),
        ),
      ).rejects.toMatchObject(status(412));
      expect((await read(key)).toString()).toBe('first');
      await client.send(new AbortMultipartUploadCommand(upload));
      await expect(client.send(new ListPartsCommand(upload))).rejects.toMatchObject({ name: 'NoSuchUpload' });
    });

    it('serves a presigned link to anybody, with the headers that it asks for', async () => {
      const { client, put, key, at } = setup();
      await put(key, 'picture', { ContentType: 'image/png' });
      const link = await getSignedUrl(
        client,
        new GetObjectCommand({
          ...at(key),
          ResponseContentDisposition: 'attachment; filename="a b.png"',
          ResponseContentType: 'application/x-test',
        }),
        { expiresIn: 60 },
      );
      const answer = await fetch(link);
      expect(await answer.text()).toBe('picture');
      expect(answer.headers.get('content-disposition')).toBe('attachment; filename="a b.png"');
      expect(answer.headers.get('content-type')).toBe('application/x-test');
      expect((await fetch(link.replace(/\?.*/, ''))).status).toBe(403);
    });

    it('takes a form upload that keeps to its policy, with metadata', async () => {
      const { client, presignPost, post, read, key, at } = setup();
      expect((await post(await presignPost(key), Buffer.from('picture'))).status).toBe(204);
      expect((await read(key)).toString()).toBe('picture');
      expect(await client.send(new HeadObjectCommand(at(key)))).toMatchObject({
        ContentType: 'image/png',
        Metadata: { job: 'j-1' },
      });
    });

    it('refuses a form upload that is too large or too small, and stores nothing', async () => {
      const { presignPost, post, list, key } = setup();
      const form = await presignPost(key);
      const large = await post(form, randomBytes(1_001));
      expect([large.status, await large.text()]).toEqual([
        400,
        expect.stringContaining('<Code>EntityTooLarge<'),
      ]);
      const small = await post(form, Buffer.alloc(0));
      expect([small.status, await small.text()]).toEqual([
        400,
        expect.stringContaining('<Code>EntityTooSmall<'),
      ]);
      expect((await list({})).KeyCount).toBe(0);
    });

    it('refuses a form whose type, key or fields are not those that were signed', async () => {
      const { presignPost, post, list, key, prefix } = setup();
      const form = await presignPost(key);
      const { 'x-amz-meta-job': _, ...without } = form.fields;
      const changed = [
        { ...form.fields, 'Content-Type': 'text/html' },
        { ...form.fields, key: `${prefix}other` },
        { ...form.fields, 'x-amz-meta-job': 'j-2' },
        { ...form.fields, 'x-amz-meta-more': 'x' },
        without,
      ];
      for (const fields of changed) {
        const answer = await post({ ...form, fields }, Buffer.from('picture'));
        expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('AccessDenied')]);
      }
      expect((await list({})).KeyCount).toBe(0);
    });

    it('refuses a form whose policy was changed after signing', async () => {
      const { presignPost, post, key } = setup();
      const form = await presignPost(key);
      const policy = Buffer.from(form.fields.Policy ?? '', 'base64')
        .toString()
        .replace('1000', '9000');
      const fields = { ...form.fields, Policy: Buffer.from(policy).toString('base64') };
      const answer = await post({ ...form, fields }, Buffer.from('picture'));
      expect([answer.status, await answer.text()]).toEqual([
        403,
        expect.stringContaining('SignatureDoesNotMatch'),
      ]);
    });

    it('keeps odd keys apart: spaces, signs of URLs, dots, other scripts, the longest', async () => {
      const { put, read, list, prefix } = setup();
      const names = [' ', 'a b', 'a+b', 'a%20b', 'a?b#c', 'a&b=c', "!'()*~", '..a', 'ключ/画像', '\u{1f600}'];
      const longest = 'k'.repeat(1_024 - Buffer.byteLength(prefix));
      const keys = [...names, longest].map((name) => prefix + name);
      await Promise.all(keys.map((key) => put(key, key)));
      for (const key of keys) expect((await read(key)).toString()).toBe(key);
      expect(new Set((await list({})).Contents?.map(({ Key }) => Key))).toEqual(new Set(keys));
      await expect(put(`${prefix}${longest}k`, 'x')).rejects.toMatchObject({ name: 'KeyTooLongError' });
    });
  });
}
