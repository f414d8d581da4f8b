/**
 * ListObjectsV2 over the records of one bucket. Keys stand in the order of their UTF-8 bytes, as on AWS: clients
 * that page or compare listings rely on it, and JavaScript's own order differs outside the basic plane.
 */
import { S3Error } from './errors.ts';
import type { ObjectRecord } from './objects.ts';
import type { S3Request } from './request.ts';
import { xmlDocument } from './xml.ts';

const MAX_KEYS = 1_000;

/** An object, or all objects whose keys agree up to the delimiter. */
interface Entry {
  readonly name: string;
  readonly record: ObjectRecord | undefined;
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function entries(records: Iterable<ObjectRecord>, prefix: string, delimiter: string, after: string): Entry[] {
  const found = new Map<string, Entry>();
  for (const record of records) {
    const { key } = record;
    if (!key.startsWith(prefix) || byBytes(key, after) <= 0) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = cut < 0 ? key : key.slice(0, cut + delimiter.length);
    found.set(name, { name, record: cut < 0 ? record : undefined });
  }
  return [...found.values()].sort((a, b) => byBytes(a.name, b.name));
}

/** A whole number of a parameter. @throws InvalidArgument */
export function limitParameter(query: ReadonlyMap<string, string>, name: string, most: number): number {
  const text = query.get(name) ?? String(most);
  if (!/^\d{1,10}$/.test(text)) throw new S3Error('InvalidArgument', `${name} must be a whole number.`);
  return Math.min(Number(text), most);
}

/** The ListBucketResult document. @throws InvalidArgument */
export function listObjects({ bucket, query }: S3Request, records: Iterable<ObjectRecord>): string {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after');
  const token = query.get('continuation-token');
  const encoding = query.get('encoding-type');
  const maxKeys = limitParameter(query, 'max-keys', MAX_KEYS);
  if (encoding !== undefined && encoding !== 'url')
    throw new S3Error('InvalidArgument', 'encoding-type is url.');
  const encode = (text: string) => (encoding === 'url' ? encodeURIComponent(text) : text);

  // The token is the name of the last entry given: a common prefix is then passed over with all its keys.
  const last = token === undefined ? '' : Buffer.from(token, 'base64url').toString('utf8');
  const all = entries(records, prefix, delimiter, token === undefined ? (startAfter ?? '') : '');
  const left = all.filter(({ name }) => byBytes(name, last) > 0);
  const page = left.slice(0, maxKeys);
  const truncated = maxKeys > 0 && left.length > page.length;
  return xmlDocument('ListBucketResult', {
    Name: bucket,
    Prefix: encode(prefix),
    Delimiter: query.has('delimiter') ? encode(delimiter) : undefined,
    StartAfter: startAfter === undefined ? undefined : encode(startAfter),
    EncodingType: encoding,
    MaxKeys: maxKeys,
    KeyCount: page.length,
    IsTruncated: truncated,
    ContinuationToken: token,
    NextContinuationToken: truncated ? Buffer.from(page.at(-1)?.name ?? '').toString('base64url') : undefined,
    Contents: page.flatMap(({ record }) =>
      record === undefined
        ? []
        : [
            {
              Key: encode(record.key),
              LastModified: record.modified,
              ETag: `"${record.eTag}"`,
              Size: record.size,
              StorageClass: 'STANDARD',
            },
          ],
    ),
    CommonPrefixes: page.flatMap(({ name, record }) =>
      record === undefined ? [{ Prefix: encode(name) }] : [],
    ),
  });
}
