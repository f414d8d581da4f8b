/**
 * Files of the store. Nothing is ever written in place: bytes go to a new name, and what points at them is
 * renamed over its predecessor, so a reader or a killed process never meets half a file.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Bytes on disk that nothing points at yet. */
export interface Blob {
  /** File name within its folder. */
  readonly name: string;
  readonly size: number;
  /** MD5 in hex: the entity tag of an object that was sent in one piece. */
  readonly md5: string;
}

export const remove = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 3 });

async function* measured(bytes: AsyncIterable<Buffer>, hash: Hash, count: (size: number) => void) {
  for await (const piece of bytes) {
    hash.update(piece);
    count(piece.length);
    yield piece;
  }
}

/** Streams the bytes to a new file in `folder`; where they throw, the file is gone again. */
export async function writeBlob(folder: string, bytes: AsyncIterable<Buffer>): Promise<Blob> {
  const name = randomUUID();
  const path = join(folder, name);
  const hash = createHash('md5');
  let size = 0;
  // Opened before the first byte: a stream that opens its own file can create it after the removal below.
  const file = await open(path, 'wx');
  try {
    await pipeline(
      measured(bytes, hash, (length) => {
        size += length;
      }),
      file.createWriteStream(),
    );
  } catch (error) {
    await remove(path);
    throw error;
  }
  return { name, size, md5: hash.digest('hex') };
}

/** Replaces `path` by the value as JSON, in one step. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, JSON.stringify(value), { flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    await remove(draft);
    throw error;
  }
}

/** Whether a file operation failed because the file or its folder is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
