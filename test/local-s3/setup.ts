/** A server of its own for one test, with its client; everything is closed and removed when the test ends. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import type { ObjectCreated } from '../../local/s3/events.ts';
import { type S3ServerOptions, startS3Server } from '../../local/s3/server.ts';

export const credentials = { accessKeyId: 'local', secretAccessKey: 'a secret of its own' };

export async function setup(options: Partial<S3ServerOptions> = {}) {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'outboard-s3-')));
  const events: ObjectCreated[] = [];
  const waiting: (() => void)[] = [];
  const server = await startS3Server({
    directory,
    credentials,
    buckets: [{ name: 'pictures', cors: { origins: ['https://app.example', 'http://localhost:*'] } }],
    onObjectCreated: (event) => {
      events.push(event);
      for (const wake of waiting.splice(0)) wake();
    },
    ...options,
  });
  const clientWith = (config: S3ClientConfig = {}) =>
    new S3Client({
      endpoint: server.url,
      region: 'eu-central-1',
      credentials,
      forcePathStyle: true,
      ...config,
    });
  onTestFinished(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    directory,
    server,
    clientWith,
    client: clientWith(),
    at: (key: string) => ({ Bucket: 'pictures', Key: key }),
    /** The first `count` events, as soon as there are so many. */
    eventsUntil: async (count: number) => {
      while (events.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return events;
    },
    /** How many files hold bytes, also of writes that were not finished. */
    blobs: async () => (await readdir(join(directory, 'blobs'))).length,
  };
}

/** What an answer says: its status and, of an error, its code. */
export async function outcome(answer: Response): Promise<[status: number, code: string | undefined]> {
  return [answer.status, /<Code>(\w+)</.exec(await answer.text())?.[1]];
}
