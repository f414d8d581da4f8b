/**
 * Files in S3: inputs (their keys: input-keys.ts), results, model packages. Keys of results are built here, in one place,
 * because the lifecycle rules and erasure depend on their prefix.
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { createPresignedPost, type PresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { OutboardError } from '../errors.ts';
import { putFile, type StoredFile } from './put-file.ts';

export const resultPrefix = (jobId: string): string => `results/${jobId}/`;
/** Named by the claim, so that a worker that lost its lease writes beside the result, never over it. */
export const resultKey = (jobId: string, fence: number, name: string): string =>
  `${resultPrefix(jobId)}${fence}/${name}`;

export interface StoredObject {
  readonly bytes: number;
  readonly eTag: string;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What to store: bytes in memory, or a file that is streamed. */
export type Body = Uint8Array | StoredFile;

interface PutOptions {
  readonly contentType: string;
  /** Write only over the version with this ETag, or ('none') only where nothing is there yet. */
  readonly ifMatch?: string;
  readonly fileName?: string;
  readonly signal?: AbortSignal;
}

interface PresignOptions {
  readonly maxBytes: number;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly expiresSeconds: number;
}

export class ObjectStore {
  readonly #client: S3Client;
  readonly bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  /** @throws WriteConflict where `ifMatch` does not hold */
  async put(key: string, body: Body, { contentType, fileName, ifMatch, signal }: PutOptions): Promise<void> {
    const request = {
      Bucket: this.bucket,
      Key: key,
      ...(ifMatch === undefined ? {} : ifMatch === 'none' ? { IfNoneMatch: '*' } : { IfMatch: ifMatch }),
      ContentType: contentType,
      ContentDisposition: fileName === undefined ? undefined : contentDisposition(fileName),
    };
    if (body instanceof Uint8Array) {
      await this.#client
        .send(new PutObjectCommand({ ...request, Body: body }), abortBy(signal))
        .catch(asConflict);
      return;
    }
    await putFile(this.#client, request, body, signal).catch(asConflict);
  }

  /**
   * The whole object in memory.
   * @throws input_not_found where it is not there; input_too_large before reading more than `maxBytes`.
   */
  async get(key: string, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
    return (await this.read(key, maxBytes, signal)).bytes;
  }

  /** As `get`, with the ETag that a conditional `put` needs. */
  async read(key: string, maxBytes: number, signal?: AbortSignal): Promise<{ bytes: Buffer; eTag: string }> {
    const { Body, ContentLength, ETag } = await this.#open(key, signal);
    if ((ContentLength ?? 0) > maxBytes) {
      await Body.transformToWebStream().cancel();
      const detail = `It has ${ContentLength} bytes, the limit is ${maxBytes}.`;
      throw new OutboardError('input_too_large', { detail });
    }
    // The same memory, not a copy of it.
    const { buffer, byteOffset, byteLength } = await Body.transformToByteArray();
    return { bytes: Buffer.from(buffer, byteOffset, byteLength), eTag: ETag ?? '' };
  }

  /** Streams the object into a new file. @throws input_not_found */
  async download(key: string, file: string): Promise<void> {
    const { Body } = await this.#open(key);
    await pipeline(Body.transformToWebStream(), createWriteStream(file, { flags: 'wx' }));
  }

  async #open(key: string, signal?: AbortSignal) {
    try {
      const command = new GetObjectCommand({ Bucket: this.bucket, Key: key });
      const { Body, ...rest } = await this.#client.send(command, abortBy(signal));
      if (Body === undefined) throw new OutboardError('input_not_found');
      return { Body, ...rest };
    } catch (error) {
      if (error instanceof NoSuchKey) throw new OutboardError('input_not_found', { cause: error });
      throw error;
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return {
        bytes: found.ContentLength ?? 0,
        eTag: found.ETag ?? '',
        contentType: found.ContentType,
        metadata: found.Metadata ?? {},
      };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Erases one object; one that is not there counts as erased. */
  async erase(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  /** Erases everything under `prefix` but the keys that start with `keep`. */
  async erasePrefix(prefix: string, keep?: string): Promise<void> {
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token }),
      );
      const keys = (page.Contents ?? []).flatMap(({ Key }) =>
        Key === undefined || (keep !== undefined && Key.startsWith(keep)) ? [] : [{ Key }],
      );
      if (keys.length > 0) {
        await this.#client.send(
          new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects: keys, Quiet: true } }),
        );
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** A link that anybody who has it can read with for `seconds`. */
  presignGet(key: string, seconds: number): Promise<string> {
    return getSignedUrl(this.#client, new GetObjectCommand({ Bucket: this.bucket, Key: key }), {
      expiresIn: seconds,
    });
  }

  /** A form that uploads one file of this type and at most this size to this key, from a browser too. */
  presignPost(
    key: string,
    { maxBytes, contentType, metadata, expiresSeconds }: PresignOptions,
  ): Promise<PresignedPost> {
    const fields = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value] as const);
    return createPresignedPost(this.#client, {
      Bucket: this.bucket,
      Key: key,
      Fields: { 'Content-Type': contentType, ...Object.fromEntries(fields) },
      Conditions: [
        ['content-length-range', 1, maxBytes],
        ['eq', '$Content-Type', contentType],
        ...fields.map(([name, value]): ['eq', string, string] => ['eq', `$${name}`, value]),
      ],
      Expires: expiresSeconds,
    });
  }

  uri(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }
}

/** A conditional write came second: somebody else changed the object first. */
export class WriteConflict extends Error {}

function asConflict(error: unknown): never {
  const isConflict =
    error instanceof S3ServiceException &&
    /^(PreconditionFailed|ConditionalRequestConflict)$/.test(error.name);
  throw isConflict ? new WriteConflict('The object was changed by somebody else.', { cause: error }) : error;
}

const abortBy = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { abortSignal: signal });

/** RFC 6266: an ASCII name for old clients, the real one in UTF-8. */
function contentDisposition(fileName: string): string {
  const ascii = fileName.replaceAll(/[^\w.-]/g, '_');
  return `inline; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(fileName)}`;
}
