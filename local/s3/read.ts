/**
 * GetObject and HeadObject. The file is opened before the headers are written, so that they describe the bytes
 * that follow even where another write replaces the object meanwhile.
 */
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { checkRead } from './conditions.ts';
import { S3Error } from './errors.ts';
import { overriddenHeaders } from './headers.ts';
import type { ObjectRecord, ObjectStore } from './objects.ts';
import type { Reply } from './reply.ts';
import type { S3Request } from './request.ts';

/** First and last byte. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/** Undefined where the whole object is meant, also for several ranges, as on AWS. @throws InvalidRange */
function parseRange(header: string | undefined, size: number): Span | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || from + to === '') return undefined;
  const suffix = from === '';
  const first = suffix ? Math.max(0, size - Number(to)) : Number(from);
  const last = suffix || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (!suffix && to !== '' && Number(to) < first) return undefined;
  if (first > last) throw new S3Error('InvalidRange');
  return { first, last };
}

function describe(record: ObjectRecord, { inputs, query }: S3Request, span: Span | undefined): Reply {
  const { checksum } = record;
  // A checksum is of the whole object: beside a part of it a client would see a mismatch.
  const shown =
    span === undefined && inputs.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && checksum;
  return {
    status: span === undefined ? 200 : 206,
    headers: {
      ...record.headers,
      ...overriddenHeaders(query),
      'accept-ranges': 'bytes',
      'content-length': String(span === undefined ? record.size : span.last - span.first + 1),
      etag: `"${record.eTag}"`,
      'last-modified': new Date(record.modified).toUTCString(),
      ...(span && { 'content-range': `bytes ${span.first}-${span.last}/${record.size}` }),
      ...(shown && { [shown.header]: shown.value }),
    },
  };
}

function answer(record: ObjectRecord, request: S3Request): { reply: Reply; span: Span | undefined } {
  checkRead(request.inputs, record);
  const span = parseRange(request.headers.get('range'), record.size);
  return { reply: describe(record, request, span), span };
}

/** @throws NoSuchKey, PreconditionFailed, NotModified, InvalidRange */
export function headObject(store: ObjectStore, request: S3Request): Reply {
  return answer(store.find(request.bucket, request.key), request).reply;
}

function contents(file: FileHandle, size: number, span: Span | undefined): Readable {
  return size === 0
    ? Readable.from([])
    : file.createReadStream({ start: span?.first ?? 0, end: span?.last ?? size - 1 });
}

/** @throws NoSuchKey, PreconditionFailed, NotModified, InvalidRange */
export async function getObject(store: ObjectStore, request: S3Request): Promise<Reply> {
  const { record, file } = await store.open(request.bucket, request.key);
  try {
    const { reply, span } = answer(record, request);
    if (record.size === 0) await file.close();
    return { ...reply, body: contents(file, record.size, span) };
  } catch (error) {
    await file.close();
    throw error;
  }
}
