import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { describe, expect, it } from 'vitest';
import { s3Event } from '../../local/s3/events.ts';
import { setup } from './setup.ts';

describe('an ObjectCreated event', () => {
  it('follows each kind of write, when the object can be read', async () => {
    const { client, at, eventsUntil } = await setup();
    await client.send(new PutObjectCommand({ ...at('put'), Body: 'picture' }));
    await client.send(new CopyObjectCommand({ ...at('copy'), CopySource: 'pictures/put' }));
    const form = await createPresignedPost(client, at('post'));
    const body = new FormData();
    for (const [field, value] of Object.entries(form.fields)) body.append(field, value);
    body.append('file', new Blob(['picture']));
    await fetch(form.url, { method: 'POST', body });
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at('parts')));
    const upload = { ...at('parts'), UploadId };
    const part = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'picture' }));
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));

    const events = await eventsUntil(4);
    expect(events.map(({ by, key, size }) => [by, key, size])).toEqual([
      ['Put', 'put', 7],
      ['Copy', 'copy', 7],
      ['Post', 'post', 7],
      ['CompleteMultipartUpload', 'parts', 7],
    ]);
    for (const { key, eTag } of events) {
      expect(await client.send(new GetObjectCommand(at(key)))).toMatchObject({ ETag: `"${eTag}"` });
    }
  });

  it('does not follow a write that failed', async () => {
    const { client, at, eventsUntil } = await setup();
    await client.send(new PutObjectCommand({ ...at('k'), Body: 'one' }));
    const late = client.send(new PutObjectCommand({ ...at('k'), Body: 'two', IfNoneMatch: '*' }));
    await expect(late).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await client.send(new PutObjectCommand({ ...at('last'), Body: 'x' }));
    expect((await eventsUntil(2)).map(({ key }) => key)).toEqual(['k', 'last']);
  });

  it('has a sequencer that grows with every write, over restarts too', async () => {
    const sequencers: string[] = [];
    let directory: string | undefined;
    for (let start = 0; start < 3; start += 1) {
      const s3 = await setup(directory === undefined ? {} : { directory });
      directory = s3.directory;
      for (let write = 0; write < 3; write += 1) {
        await s3.client.send(new PutObjectCommand({ ...s3.at('k'), Body: 'x' }));
      }
      sequencers.push(...(await s3.eventsUntil(3)).map(({ sequencer }) => sequencer));
      await s3.server.close();
    }
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
    expect(sequencers).toHaveLength(9);
  });

  it('reads as the record that AWS Lambda receives', () => {
    const event = s3Event({
      bucket: 'pictures',
      key: 'uploads/a b+c/é(1)~.png',
      size: 7,
      eTag: 'd41d8cd98f00b204e9800998ecf8427e',
      sequencer: '0055AED6DCD90281E5',
      at: new Date('2026-01-02T03:04:05.678Z'),
      by: 'Post',
    });
    expect(event.Records).toHaveLength(1);
    expect(event.Records[0]).toMatchObject({
      eventSource: 'aws:s3',
      eventName: 'ObjectCreated:Post',
      eventTime: '2026-01-02T03:04:05.678Z',
      s3: {
        bucket: { name: 'pictures', arn: 'arn:aws:s3:::pictures' },
        object: { key: 'uploads/a+b%2Bc/%C3%A9%281%29%7E.png', size: 7, sequencer: '0055AED6DCD90281E5' },
      },
    });
  });
});
