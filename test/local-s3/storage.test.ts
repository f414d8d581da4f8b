import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import {
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
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeBlob } from '../../local/s3/files.ts';
import { ObjectStore } from '../../local/s3/objects.ts';
import { setup } from './setup.ts';

describe('what is stored', () => {
  it('is there again after a restart, with its metadata', async () => {
    const first = await setup();
    const stored = { Body: 'picture', ContentType: 'image/png', Metadata: { job: '1' } };
    const { ETag } = await first.client.send(new PutObjectCommand({ ...first.at('a/b.png'), ...stored }));
    await first.server.close();
    const { client, at } = await setup({ directory: first.directory });
    const { Body, ...found } = await client.send(new GetObjectCommand(at('a/b.png')));
    expect(await Body?.transformToString()).toBe('picture');
    expect(found).toMatchObject({ ETag, ContentType: 'image/png', Metadata: { job: '1' } });
  });

  it('lets a multipart upload go on after a restart', async () => {
    const first = await setup();
    const { UploadId } = await first.client.send(new CreateMultipartUploadCommand(first.at('k')));
    const part = { ...first.at('k'), UploadId, PartNumber: 1, Body: 'picture' };
    const { ETag, ChecksumCRC32 } = await first.client.send(new UploadPartCommand(part));
    await first.server.close();
    const { client, at, blobs } = await setup({ directory: first.directory });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
    await client.send(new CompleteMultipartUploadCommand({ ...at('k'), UploadId, MultipartUpload }));
    expect(await client.send(new HeadObjectCommand(at('k')))).toMatchObject({ ContentLength: 7 });
    expect(await blobs()).toBe(1);
    expect(await readdir(join(first.directory, 'uploads'))).toEqual([]);
  });

  it('stays inside its directory whatever the key', async () => {
    const { client, at, directory } = await setup();
    const before = await readdir(dirname(directory));
    const keys = [
      '../escaped',
      '../../../escaped',
      '/escaped',
      'a/../../escaped',
      '..',
      '.',
      'a//b',
      'a\\..\\b',
      'a\nb',
    ];
    for (const key of keys) {
      await client.send(new PutObjectCommand({ ...at(key), Body: key }));
      const { Body } = await client.send(new GetObjectCommand(at(key)));
      expect(await Body?.transformToString()).toBe(key);
    }
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'pictures' }));
    expect(Contents?.map(({ Key }) => Key).sort()).toEqual(keys.sort());
    expect((await readdir(directory)).sort()).toEqual(['blobs', 'epoch', 'objects']);
    expect((await readdir(dirname(directory))).filter((name) => name.includes('escaped'))).toEqual(
      before.filter((name) => name.includes('escaped')),
    );
  });

  it('cannot be reached through the identifier of an upload', async () => {
    const { client, at, directory } = await setup();
    await mkdir(join(directory, 'stray'));
    await writeFile(
      join(directory, 'stray', 'upload.json'),
      JSON.stringify({ bucket: 'pictures', key: 'k' }),
    );
    for (const UploadId of ['../stray', '../uploads/../stray', '..']) {
      await expect(client.send(new ListPartsCommand({ ...at('k'), UploadId }))).rejects.toMatchObject({
        name: 'NoSuchUpload',
      });
    }
  });

  it('round-trips any key and body', async () => {
    const { client, at } = await setup();
    const key = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 60 })
      .filter((text) => text.isWellFormed());
    await fc.assert(
      fc.asyncProperty(key, fc.uint8Array({ minLength: 1, maxLength: 500 }), async (name, bytes) => {
        await client.send(new PutObjectCommand({ ...at(name), Body: bytes }));
        const { Body } = await client.send(new GetObjectCommand(at(name)));
        expect(await Body?.transformToByteArray()).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a write', () => {
  it('leaves no file behind however early its bytes break off', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outboard-blobs-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const broken = (): AsyncIterable<Buffer> => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('broken off')) }),
    });
    // Few at a time, many times: the removal has to meet the opening of the file.
    for (let round = 0; round < 500; round += 1) {
      const writes = Array.from({ length: 4 }, () => writeBlob(folder, broken()));
      const ends = await Promise.allSettled(writes);
      expect(ends.map(({ status }) => status)).toEqual(writes.map(() => 'rejected'));
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves the old object and no bytes behind when its checksum is wrong', async () => {
    const { client, at, blobs } = await setup();
    await client.send(new PutObjectCommand({ ...at('k'), Body: 'old' }));
    for (const wrong of [
      { ChecksumCRC32: 'AAAAAA==' },
      { ChecksumCRC32C: 'AAAAAA==' },
      { ChecksumSHA1: '2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
      { ChecksumSHA256: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
      { ContentMD5: '1B2M2Y8AsgTpgAmY7PhCfg==' },
    ]) {
      const put = client.send(new PutObjectCommand({ ...at('k'), Body: 'new', ...wrong }));
      await expect(put).rejects.toMatchObject({ name: 'BadDigest' });
    }
    const { Body } = await client.send(new GetObjectCommand(at('k')));
    expect(await Body?.transformToString()).toBe('old');
    expect(await blobs()).toBe(1);
  });

  it('verifies every checksum that the SDK can send, of buffers and of streams, and gives it back', async () => {
    const { client, at } = await setup();
    const bytes = randomBytes(200_000);
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      for (const Body of [bytes, Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])]) {
        const input = { ...at('k'), Body, ContentLength: bytes.length, ChecksumAlgorithm };
        const sent = await client.send(new PutObjectCommand(input));
        const head = await client.send(new HeadObjectCommand({ ...at('k'), ChecksumMode: 'ENABLED' }));
        expect(sent[`Checksum${ChecksumAlgorithm}`]).toMatch(/=$/);
        expect(head[`Checksum${ChecksumAlgorithm}`]).toBe(sent[`Checksum${ChecksumAlgorithm}`]);
        expect(head.ContentEncoding).toBeUndefined();
      }
    }
  });

  it('refuses a checksum that it cannot verify', async () => {
    const { client, at } = await setup();
    const put = client.send(
      new PutObjectCommand({ ...at('k'), Body: 'x', ChecksumCRC64NVME: 'AAAAAAAAAAA=' }),
    );
    await expect(put).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  it('does not take an operation it does not know for a plain write', async () => {
    const { client, at } = await setup();
    await client.send(new PutObjectCommand({ ...at('k'), Body: 'old' }));
    const tag = client.send(new PutObjectTaggingCommand({ ...at('k'), Tagging: { TagSet: [] } }));
    await expect(tag).rejects.toMatchObject({ name: 'NotImplemented' });
    expect(await client.send(new HeadObjectCommand(at('k')))).toMatchObject({ ContentLength: 3 });
  });

  it('that breaks off stores nothing, and what a killed server left is removed at the next start', async () => {
    const { client, at, server, directory, blobs } = await setup();
    const leaving = new AbortController();
    const unending = Readable.from(
      (async function* () {
        yield randomBytes(100_000);
        await once(leaving.signal, 'abort');
      })(),
    );
    const put = client.send(new PutObjectCommand({ ...at('k'), Body: unending, ContentLength: 200_000 }), {
      abortSignal: leaving.signal,
    });
    await expect.poll(blobs).toBe(1);
    leaving.abort();
    await expect(put).rejects.toThrow();
    await expect(client.send(new HeadObjectCommand(at('k')))).rejects.toMatchObject({ name: 'NotFound' });
    await server.close();
    expect(await blobs()).toBe(0);
    await writeFile(join(directory, 'blobs', 'left-over'), 'half a picture');
    await (await setup({ directory })).client.send(new ListObjectsV2Command({ Bucket: 'pictures' }));
    expect(await blobs()).toBe(0);
  });

  it('leaves no bytes behind of what it replaced, nor does a deletion', async () => {
    const { client, at, blobs } = await setup();
    for (const Body of ['one', 'two']) await client.send(new PutObjectCommand({ ...at('k'), Body }));
    await client.send(new CopyObjectCommand({ ...at('copy'), CopySource: 'pictures/k' }));
    await client.send(new PutObjectCommand({ ...at('k'), Body: 'three' }));
    expect(await blobs()).toBe(2);
    const { Body } = await client.send(new GetObjectCommand(at('copy')));
    expect(await Body?.transformToString()).toBe('two');
    for (const key of ['k', 'copy']) await client.send(new DeleteObjectCommand(at(key)));
    expect(await blobs()).toBe(0);
  });

  it('never shows a mixture to those who read meanwhile', async () => {
    const { client, at } = await setup();
    const versions = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
    await client.send(new PutObjectCommand({ ...at('k'), Body: versions.join('') }));
    versions.push(versions.join(''));
    const writes = versions.map((Body) => client.send(new PutObjectCommand({ ...at('k'), Body })));
    const reads = Array.from({ length: 20 }, async () => {
      const { Body } = await client.send(new GetObjectCommand(at('k')));
      return Body?.transformToString();
    });
    for (const text of await Promise.all(reads)) expect(versions.includes(text ?? '')).toBe(true);
    await Promise.all(writes);
  });
});

it('a reader finds an object at every moment of its replacement', async () => {
  const { directory, server } = await setup();
  await server.close();
  const store = await ObjectStore.open(directory, () => {});
  const replace = async (text: string) => {
    const blob = await store.stage(Readable.from([Buffer.from(text)]));
    const condition = { ifAbsent: false, ifMatch: undefined };
    const described = { eTag: blob.md5, headers: {}, checksum: undefined, condition, by: 'Put' } as const;
    await store.publish(blob, { bucket: 'pictures', key: 'k', ...described });
  };
  await replace('0');
  for (let round = 1; round < 100; round += 1) {
    let replaced = false;
    const replacing = replace('x'.repeat(round)).finally(() => {
      replaced = true;
    });
    while (!replaced) {
      const { record, file } = await store.open('pictures', 'k');
      expect((await file.stat()).size).toBe(record.size);
      await file.close();
    }
    await replacing;
  }
});

it('a list of deletions that is too long is refused, and the connection goes on', async () => {
  const { client } = await setup();
  const Objects = Array.from({ length: 3_000 }, (_, index) => ({ Key: `${index}`.padStart(1_000, '0') }));
  const remove = client.send(new DeleteObjectsCommand({ Bucket: 'pictures', Delete: { Objects } }));
  await expect(remove).rejects.toMatchObject({ name: 'EntityTooLarge' });
});

it('a large object passes through without being held in memory', { timeout: 120_000 }, async () => {
  const { client, at } = await setup();
  const piece = randomBytes(1024 * 1024);
  const pieces = 192;
  const start = process.memoryUsage.rss();
  let peak = start;
  const watch = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const body = Readable.from(
    (function* () {
      for (let sent = 0; sent < pieces; sent += 1) {
        watch();
        yield piece;
      }
    })(),
  );
  await client.send(new PutObjectCommand({ ...at('k'), Body: body, ContentLength: pieces * piece.length }));
  const { Body } = await client.send(new GetObjectCommand(at('k')));
  let size = 0;
  for await (const chunk of Body as Readable) {
    size += chunk.length;
    watch();
  }
  expect(size).toBe(pieces * piece.length);
  expect(peak - start).toBeLessThan((pieces * piece.length) / 2);
});

it('a client that goes away in the middle of an answer does no harm', async () => {
  const { client, at, server } = await setup();
  await client.send(new PutObjectCommand({ ...at('k'), Body: randomBytes(4_000_000) }));
  const { Body } = await client.send(new GetObjectCommand(at('k')));
  (Body as Readable).destroy();
  const socket = connect(server.port, '127.0.0.1', () => socket.end('PUT / HTTP/1.1\r\n\r\n'));
  await new Promise((resolve) => socket.resume().on('close', resolve));
  expect(await client.send(new HeadObjectCommand(at('k')))).toMatchObject({ ContentLength: 4_000_000 });
});
