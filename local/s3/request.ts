/**
 * A request as S3 sees it: bucket, key, parameters. The target is parsed by hand from the raw bytes, because a
 * URL parser would resolve `..` and `//`, which are ordinary parts of a key, and so break its signature.
 */
import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';

const KEY_LIMIT = 1_024;

export interface S3Request {
  readonly method: string;
  /** Percent-decoded, with the leading slash. */
  readonly path: string;
  /** Empty for the list of buckets. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  /** Decoded, in their order, names as sent. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly query: ReadonlyMap<string, string>;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** The headers and, of a presigned URL, the x-amz-* parameters: presigning moves headers to the query. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly presigned: boolean;
  readonly body: AsyncIterable<Buffer>;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI');
  }
}

/** @throws KeyTooLongError */
export function checkKey(key: string): string {
  if (Buffer.byteLength(key) > KEY_LIMIT) throw new S3Error('KeyTooLongError');
  return key;
}

/** Bucket and key of a decoded path. */
function splitPath(path: string): { bucket: string; key: string } {
  const slash = path.indexOf('/', 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  return { bucket, key: slash < 0 ? '' : checkKey(path.slice(slash + 1)) };
}

/** The object that x-amz-copy-source names. @throws NotImplemented for a version */
export function parseCopySource(source: string): { bucket: string; key: string } {
  if (source.includes('?')) throw new S3Error('NotImplemented', 'Objects have no versions here.');
  return splitPath(decode(source.startsWith('/') ? source : `/${source}`));
}

export function parseRequest(message: IncomingMessage): S3Request {
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  const path = decode(mark < 0 ? target : target.slice(0, mark));
  const parameters = (mark < 0 ? '' : target.slice(mark + 1))
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...rest] = pair.split('=');
      return [decode(name), decode(rest.join('='))] as const;
    });
  const headers = new Map(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  );
  const lowered = parameters.map(([name, value]) => [name.toLowerCase(), value] as const);
  const presigned = lowered.some(([name]) => name === 'x-amz-signature');
  const moved = presigned ? lowered.filter(([name]) => name.startsWith('x-amz-')) : [];
  return {
    method: message.method ?? 'GET',
    path,
    ...splitPath(path),
    parameters,
    query: new Map(parameters),
    headers,
    inputs: new Map([...moved, ...headers]),
    presigned,
    // Leaving the loop early must not close the socket: the answer still has to go out.
    body: message.iterator({ destroyOnReturn: false }),
  };
}
