/**
 * Multipart uploads: parts gather in a folder of their own and become an object in one step. The folder is
 * removed only after that step, so a completion that fails can be repeated.
 *
 *   DIRECTORY/uploads/ID/upload.json   the upload      DIRECTORY/uploads/ID/N.json   part N, pointing at its bytes
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckedBody, Checksum } from './checked-body.ts';
import { S3Error } from './errors.ts';
import { type Blob, isMissing, remove, writeBlob, writeJson } from './files.ts';
import type { StoredHeaders } from './headers.ts';
import { NamedLock } from './lock.ts';

/** What was said when the upload began. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly headers: StoredHeaders;
  /** The header of the checksum that every part must have, e.g. x-amz-checksum-crc32. */
  readonly checksumHeader?: string;
  /** Whether the object's checksum is of its bytes, and not of the parts' checksums. */
  readonly checksumOfObject: boolean;
}

export interface Part {
  readonly number: number;
  readonly blob: Blob;
  /** ISO 8601 */
  readonly modified: string;
  readonly checksum?: Checksum;
}

export class MultipartUploads {
  readonly #directory: string;
  readonly #lock = new NamedLock();

  /** @param directory that of the store */
  constructor(directory: string) {
    this.#directory = join(directory, 'uploads');
  }

  /** The identifier comes from clients and names a folder: only its own form may pass. @throws NoSuchUpload */
  #folder(id: string): string {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new S3Error('NoSuchUpload');
    return join(this.#directory, id);
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      // The folder is there exactly as long as the upload is under way.
      throw isMissing(error) ? new S3Error('NoSuchUpload') : error;
    }
  }

  /** The identifier of a new upload. */
  async create(upload: Upload): Promise<string> {
    const id = randomUUID();
    await mkdir(this.#folder(id), { recursive: true });
    await writeJson(join(this.#folder(id), 'upload.json'), upload);
    return id;
  }

  /** @throws NoSuchUpload, also where the upload is of another object */
  async find(id: string, bucket: string, key: string): Promise<Upload> {
    const text = await this.#within(readFile(join(this.#folder(id), 'upload.json'), 'utf8'));
    const upload: Upload = JSON.parse(text);
    if (upload.bucket !== bucket || upload.key !== key) throw new S3Error('NoSuchUpload');
    return upload;
  }

  /** Stores a part, or replaces the one of that number. @throws NoSuchUpload, and what the body fails by */
  async addPart(id: string, number: number, body: CheckedBody): Promise<Part> {
    const folder = this.#folder(id);
    const blob = await this.#within(writeBlob(folder, body));
    const { checksum } = body;
    const part: Part = {
      number,
      blob,
      modified: new Date().toISOString(),
      ...(checksum === undefined ? {} : { checksum }),
    };
    await this.#within(writeJson(join(folder, `${number}.json`), part));
    return part;
  }

  /** All parts by number. @throws NoSuchUpload */
  async parts(id: string): Promise<Part[]> {
    const folder = this.#folder(id);
    const names = (await this.#within(readdir(folder))).filter((name) => /^\d+\.json$/.test(name));
    const texts = await this.#within(Promise.all(names.map((name) => readFile(join(folder, name), 'utf8'))));
    return texts.map((text): Part => JSON.parse(text)).sort((a, b) => a.number - b.number);
  }

  /** The bytes of parts, one after the other. */
  async *join(id: string, parts: readonly Part[]): AsyncGenerator<Buffer> {
    for (const { blob } of parts) yield* createReadStream(join(this.#folder(id), blob.name));
  }

  /** Runs `publish`, then ends the upload; of two at once the second finds it gone. @throws NoSuchUpload */
  complete<T>(id: string, publish: () => Promise<T>): Promise<T> {
    return this.#lock.run(id, async () => {
      const result = await publish();
      await remove(this.#folder(id));
      return result;
    });
  }

  /** Ends the upload without an object. */
  abort(id: string): Promise<void> {
    return this.#lock.run(id, () => remove(this.#folder(id)));
  }
}
