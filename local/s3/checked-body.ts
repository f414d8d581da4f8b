/**
 * The bytes of an upload, verified while they pass: iterating throws after the last byte when a declared digest
 * does not match. Consumers write to a place that is not visible yet and publish when the iteration ends well.
 */
import { isChecksumHeader, type RunningDigest, runningDigest } from './checksum.ts';
import { decodeChunks } from './chunked-body.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

/** A checksum as its header: `x-amz-checksum-crc32` and the base64 value. */
export interface Checksum {
  readonly header: string;
  readonly value: string;
}

export class CheckedBody implements AsyncIterable<Buffer> {
  readonly #bytes: AsyncIterable<Buffer>;
  readonly #declared: ReadonlyMap<string, string>;
  readonly #trailers: ReadonlyMap<string, string>;
  readonly #digests: Map<string, RunningDigest>;
  #checksum: Checksum | undefined;

  /**
   * @param declared headers or form fields; those that are digests are verified
   * @param trailers filled by the source when it ends, for a digest that `x-amz-trailer` announces
   */
  constructor(
    bytes: AsyncIterable<Buffer>,
    declared: ReadonlyMap<string, string>,
    trailers: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#bytes = bytes;
    this.#declared = declared;
    this.#trailers = trailers;
    const headers = [...declared.keys()].filter(isChecksumHeader);
    const trailer = declared.get('x-amz-trailer')?.toLowerCase();
    if (trailer !== undefined) headers.push(trailer);
    if (declared.has('content-md5')) headers.push('content-md5');
    // The header also carries words such as UNSIGNED-PAYLOAD.
    if (/^[0-9a-f]{64}$/.test(declared.get('x-amz-content-sha256') ?? ''))
      headers.push('x-amz-content-sha256');
    this.#digests = new Map(headers.map((header) => [header, runningDigest(header)]));
  }

  /** The checksum that was verified, known after the last byte; stored with the object and given back. */
  get checksum(): Checksum | undefined {
    return this.#checksum;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for await (const bytes of this.#bytes) {
      for (const digest of this.#digests.values()) digest.update(bytes);
      yield bytes;
    }
    for (const [header, digest] of this.#digests) {
      const value = digest.value();
      if (value !== (this.#declared.get(header) ?? this.#trailers.get(header))) {
        throw new S3Error(header === 'x-amz-content-sha256' ? 'XAmzContentSHA256Mismatch' : 'BadDigest');
      }
      if (isChecksumHeader(header)) this.#checksum = { header, value };
    }
  }

  /** The whole as UTF-8. @throws EntityTooLarge over `limit` bytes */
  async text(limit: number): Promise<string> {
    const pieces: Buffer[] = [];
    for await (const piece of withinSize(this, { max: limit })) pieces.push(piece);
    return Buffer.concat(pieces).toString('utf8');
  }
}

/** The same bytes. @throws EntityTooLarge as soon as there are more than `max`, EntityTooSmall at the end */
export async function* withinSize(
  bytes: AsyncIterable<Buffer>,
  { min = 0, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number },
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of bytes) {
    size += piece.length;
    if (size > max) throw new S3Error('EntityTooLarge');
    yield piece;
  }
  if (size < min) throw new S3Error('EntityTooSmall');
}

async function* ofLength(bytes: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of bytes) {
    size += piece.length;
    yield piece;
  }
  if (size !== length) throw new S3Error('IncompleteBody');
}

/** The body of a request in any of its codings. @throws MissingContentLength, NotImplemented */
export function requestBody({ inputs, body }: Pick<S3Request, 'inputs' | 'body'>): CheckedBody {
  const payload = inputs.get('x-amz-content-sha256') ?? '';
  if (!payload.startsWith('STREAMING-')) {
    if (inputs.has('transfer-encoding')) throw new S3Error('MissingContentLength');
    return new CheckedBody(body, inputs);
  }
  // The other codings sign each chunk.
  if (payload !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') throw new S3Error('NotImplemented');
  const length = Number(inputs.get('x-amz-decoded-content-length') ?? Number.NaN);
  if (!Number.isSafeInteger(length)) throw new S3Error('MissingContentLength');
  const trailers = new Map<string, string>();
  return new CheckedBody(ofLength(decodeChunks(body, trailers), length), inputs, trailers);
}
