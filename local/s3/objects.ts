/**
 * Objects on disk. A record (JSON, named by the hash of bucket and key, so that no key can name a path) points at
 * a blob (the bytes, never changed); renaming the record is the moment at which a write happens. All records
 * are also in memory, so one directory belongs to one running server.
 *
 *   DIRECTORY/objects/SHA256.json   records      DIRECTORY/uploads/ID/   multipart uploads under way
 *   DIRECTORY/blobs/UUID            bytes        DIRECTORY/epoch         how often a server was started here
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checksum } from './checked-body.ts';
import { checkWrite, type WriteCondition } from './conditions.ts';
import { S3Error } from './errors.ts';
import { type Blob, isMissing, remove, writeBlob, writeJson } from './files.ts';
import type { StoredHeaders } from './headers.ts';
import { NamedLock } from './lock.ts';

export interface ObjectRecord {
  readonly bucket: string;
  readonly key: string;
  readonly blob: string;
  readonly size: number;
  /** Without quotes. */
  readonly eTag: string;
  /** ISO 8601 */
  readonly modified: string;
  /** Hex; of two writes the later one's is greater as text, also over restarts and clock changes. */
  readonly sequencer: string;
  readonly headers: StoredHeaders;
  readonly checksum?: Checksum;
}

/** How an object came to be, in the words of S3's event names. */
export type CreatedBy = 'Put' | 'Post' | 'Copy' | 'CompleteMultipartUpload';

export interface Publication {
  readonly bucket: string;
  readonly key: string;
  readonly eTag: string;
  readonly headers: StoredHeaders;
  readonly checksum: Checksum | undefined;
  readonly condition: WriteCondition;
  readonly by: CreatedBy;
}

export type OnPublished = (record: ObjectRecord, by: CreatedBy) => void;

export class ObjectStore {
  readonly #directory: string;
  readonly #records: Map<string, ObjectRecord>;
  readonly #epoch: number;
  readonly #onPublished: OnPublished;
  readonly #lock = new NamedLock();
  #writes = 0;

  private constructor(
    directory: string,
    records: Map<string, ObjectRecord>,
    epoch: number,
    onPublished: OnPublished,
  ) {
    this.#directory = directory;
    this.#records = records;
    this.#epoch = epoch;
    this.#onPublished = onPublished;
  }

  /** Opens or creates a store; what a killed server left half written is removed. */
  static async open(directory: string, onPublished: OnPublished): Promise<ObjectStore> {
    const folders = [join(directory, 'objects'), join(directory, 'blobs')] as const;
    const [objects, blobs] = folders;
    for (const folder of folders) await mkdir(folder, { recursive: true });
    const epochFile = join(directory, 'epoch');
    const epoch = 1 + Number(await readFile(epochFile, 'utf8').catch(() => '0'));
    await writeJson(epochFile, epoch);
    const records = new Map<string, ObjectRecord>();
    for (const name of await readdir(objects)) {
      if (!name.endsWith('.json')) await remove(join(objects, name));
      else records.set(name, JSON.parse(await readFile(join(objects, name), 'utf8')));
    }
    const used = new Set([...records.values()].map(({ blob }) => blob));
    for (const name of await readdir(blobs)) if (!used.has(name)) await remove(join(blobs, name));
    return new ObjectStore(directory, records, epoch, onPublished);
  }

  #blobPath(blob: string): string {
    return join(this.#directory, 'blobs', blob);
  }

  /** Every object of a bucket, in no order. */
  *all(bucket: string): Generator<ObjectRecord> {
    for (const record of this.#records.values()) if (record.bucket === bucket) yield record;
  }

  /** @throws NoSuchKey */
  find(bucket: string, key: string): ObjectRecord {
    const record = this.#records.get(recordName(bucket, key));
    if (record === undefined) throw new S3Error('NoSuchKey');
    return record;
  }

  /** Runs `use` on the file of an object. @throws NoSuchKey */
  async #withBlob<T>(bucket: string, key: string, use: (path: string) => Promise<T>) {
    for (;;) {
      const record = this.find(bucket, key);
      try {
        return { record, result: await use(this.#blobPath(record.blob)) };
      } catch (error) {
        // Replaced in between: the next round finds its successor.
        if (!isMissing(error) || this.find(bucket, key) === record) throw error;
      }
    }
  }

  /** The object and its bytes, of one and the same write. The caller closes the file. @throws NoSuchKey */
  async open(bucket: string, key: string): Promise<{ record: ObjectRecord; file: FileHandle }> {
    const { record, result } = await this.#withBlob(bucket, key, (path) => open(path));
    return { record, file: result };
  }

  /** Bytes that no object points at yet; publish() or discard() them. */
  stage(bytes: AsyncIterable<Buffer>): Promise<Blob> {
    return writeBlob(join(this.#directory, 'blobs'), bytes);
  }

  /** Stages the bytes of an object by a second name for them, without copying. @throws NoSuchKey */
  async stageCopy(bucket: string, key: string): Promise<{ record: ObjectRecord; blob: Blob }> {
    const name = randomUUID();
    const { record } = await this.#withBlob(bucket, key, (path) => link(path, this.#blobPath(name)));
    return { record, blob: { name, size: record.size, md5: record.eTag } };
  }

  async discard(blob: Blob): Promise<void> {
    await remove(this.#blobPath(blob.name));
  }

  /** Makes staged bytes an object, or discards them. @throws PreconditionFailed, NoSuchKey by the condition */
  async publish(blob: Blob, publication: Publication): Promise<ObjectRecord> {
    const { bucket, key, eTag, headers, checksum, condition, by } = publication;
    const name = recordName(bucket, key);
    return this.#lock.run(name, async () => {
      const previous = this.#records.get(name);
      this.#writes += 1;
      const record: ObjectRecord = {
        bucket,
        key,
        blob: blob.name,
        size: blob.size,
        eTag,
        modified: new Date().toISOString(),
        sequencer: sequencer(this.#epoch, this.#writes),
        headers,
        ...(checksum === undefined ? {} : { checksum }),
      };
      try {
        checkWrite(condition, previous);
        await writeJson(join(this.#directory, 'objects', name), record);
      } catch (error) {
        await this.discard(blob);
        throw error;
      }
      this.#records.set(name, record);
      if (previous !== undefined) await remove(this.#blobPath(previous.blob));
      this.#onPublished(record, by);
      return record;
    });
  }

  /** Deleting what is not there succeeds. @throws PreconditionFailed, NoSuchKey by the condition */
  async delete(bucket: string, key: string, condition: WriteCondition): Promise<void> {
    const name = recordName(bucket, key);
    await this.#lock.run(name, async () => {
      const previous = this.#records.get(name);
      checkWrite({ ...condition, ifAbsent: false }, previous);
      if (previous === undefined) return;
      await rm(join(this.#directory, 'objects', name));
      this.#records.delete(name);
      await remove(this.#blobPath(previous.blob));
    });
  }
}

const recordName = (bucket: string, key: string): string =>
  `${createHash('sha256').update(`${bucket}/${key}`).digest('hex')}.json`;

const sequencer = (epoch: number, write: number): string =>
  (epoch.toString(16).padStart(8, '0') + write.toString(16).padStart(10, '0')).toUpperCase();
