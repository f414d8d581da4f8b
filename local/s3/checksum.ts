/**
 * The digests a client may declare for its bytes, by the header that carries them. A checksum that this server
 * cannot compute is refused and never ignored: an upload that says it is verified must be.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './errors.ts';

export interface RunningDigest {
  update(bytes: Buffer): void;
  /** The value as the header writes it; call once. */
  value(): string;
}

const hashed = (algorithm: string, encoding: 'base64' | 'hex') => (): RunningDigest => {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), value: () => hash.digest(encoding) };
};

function cyclic(next: (bytes: Buffer, value: number) => number): RunningDigest {
  let value = 0;
  return {
    update: (bytes) => {
      value = next(bytes, value);
    },
    value: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString('base64');
    },
  };
}

const CASTAGNOLI = 0x82f63b78;
const castagnoliTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? CASTAGNOLI : 0);
  return value;
});

export function crc32c(bytes: Buffer, start = 0): number {
  let value = ~start;
  for (const byte of bytes) value = (value >>> 8) ^ (castagnoliTable[(value ^ byte) & 0xff] ?? 0);
  return ~value >>> 0;
}

/** Digest headers of a request and how each is computed. */
const digestHeaders: Readonly<Record<string, () => RunningDigest>> = {
  'content-md5': hashed('md5', 'base64'),
  'x-amz-content-sha256': hashed('sha256', 'hex'),
  'x-amz-checksum-crc32': () => cyclic(crc32),
  'x-amz-checksum-crc32c': () => cyclic(crc32c),
  'x-amz-checksum-sha1': hashed('sha1', 'base64'),
  'x-amz-checksum-sha256': hashed('sha256', 'base64'),
};

/** The digest named by a header or trailer. @throws NotImplemented for a checksum that is not known here */
export function runningDigest(header: string): RunningDigest {
  const start = digestHeaders[header];
  if (start === undefined)
    throw new S3Error('NotImplemented', `${header} cannot be verified by this server.`);
  return start();
}

/** Whether a header or form field carries the checksum of an object, as against a setting about checksums. */
export const isChecksumHeader = (name: string): boolean =>
  name.startsWith('x-amz-checksum-') && !/-(algorithm|mode|type)$/.test(name);

/** The checksum of a multipart object: the digest of its parts' digests, and their number. */
export function compositeChecksum(header: string, parts: readonly string[]): string {
  const digest = runningDigest(header);
  for (const part of parts) digest.update(Buffer.from(part, 'base64'));
  return `${digest.value()}-${parts.length}`;
}
