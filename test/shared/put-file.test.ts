import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as join } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, it, onTestFinished } from 'vitest';
import { putFile } from '../../shared/aws/put-file.ts';
import { credentials, setup } from '../local-s3/setup.ts';

/** The local server behind a wire that breaks `times` times, in the middle of what is sent. */
async function behindBadWire(times: number) {
  const { server, at, client: straight } = await setup();
  let connections = 0;
  const wire = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
    if (connections <= times) {
      socket.once('data', () => socket.destroy());
      return;
    }
    const inner = join(server.port, '127.0.0.1');
    inner.on('error', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  const address = wire.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const folder = await mkdtemp(path.join(tmpdir(), 'outboard-put-'));
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'eu-central-1',
    credentials,
    forcePathStyle: true,
  });
  onTestFinished(async () => {
    client.destroy();
    wire.close();
    await rm(folder, { recursive: true });
  });
  const bytes = randomBytes(3_000_000);
  const file = { path: path.join(folder, 'picture'), bytes: bytes.length };
  await writeFile(file.path, bytes);
  const stored = async () =>
    (await straight.send(new GetObjectCommand(at('picture')))).Body?.transformToByteArray();
  return { client, at, file, bytes, stored, connections: () => connections };
}

it('is stored whole although the wire breaks', async () => {
  const { client, at, file, bytes, stored } = await behindBadWire(2);
  await putFile(client, at('picture'), file);
  expect(Buffer.from((await stored()) ?? []).equals(bytes)).toBe(true);
});

it('is given up where the wire does not mend', async () => {
  const { client, at, file, connections } = await behindBadWire(Number.POSITIVE_INFINITY);
  await expect(putFile(client, at('picture'), file)).rejects.toThrow();
  expect(connections()).toBe(4);
});

it('is tried once where the service refuses it', async () => {
  const { client, at, file, connections } = await behindBadWire(0);
  const nowhere = { ...at('picture'), Bucket: 'none' };
  await expect(putFile(client, nowhere, file)).rejects.toMatchObject({ name: 'NoSuchBucket' });
  expect(connections()).toBe(1);
});

it('is tried once where it cannot be read', async () => {
  const { client, at, file, connections } = await behindBadWire(0);
  // A folder opens, and fails when it is read.
  const folder = { ...file, path: path.dirname(file.path) };
  await expect(putFile(client, at('picture'), folder)).rejects.toThrow();
  expect(connections()).toBeLessThanOrEqual(1);
});

it('is not tried again once nobody wants it any more', async () => {
  const { client, at, file, connections } = await behindBadWire(Number.POSITIVE_INFINITY);
  const stop = new AbortController();
  const sent = putFile(client, at('picture'), file, stop.signal);
  setTimeout(() => stop.abort(), 60);
  await expect(sent).rejects.toThrow();
  expect(connections()).toBeLessThan(4);
});
