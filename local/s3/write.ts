/**
 * PutObject, CopyObject, DeleteObject and DeleteObjects. Each stages bytes first and publishes last, so a
 * request that breaks off or does not verify leaves the object as it was.
 */
import { requestBody } from './checked-body.ts';
import { checkRead, writeCondition } from './conditions.ts';
import { S3Error } from './errors.ts';
import { storedHeaders } from './headers.ts';
import type { ObjectStore } from './objects.ts';
import { documentReply, type Reply } from './reply.ts';
import { checkKey, parseCopySource, type S3Request } from './request.ts';
import { xmlElements, xmlText } from './xml.ts';

const XML_LIMIT = 2 * 1024 * 1024;
const MAX_DELETES = 1_000;

/** @throws PreconditionFailed, NoSuchKey, BadDigest and what else the body fails by */
export async function putObject(store: ObjectStore, request: S3Request): Promise<Reply> {
  const { bucket, key, inputs } = request;
  const condition = writeCondition(inputs);
  const headers = storedHeaders(inputs);
  const body = requestBody(request);
  const blob = await store.stage(body);
  const { checksum } = body;
  const { eTag } = await store.publish(blob, {
    bucket,
    key,
    eTag: blob.md5,
    headers,
    checksum,
    condition,
    by: 'Put',
  });
  return {
    status: 200,
    headers: { etag: `"${eTag}"`, ...(checksum && { [checksum.header]: checksum.value }) },
  };
}

/** @throws NoSuchKey, PreconditionFailed, InvalidRequest for a copy onto itself that changes nothing */
export async function copyObject(store: ObjectStore, request: S3Request): Promise<Reply> {
  const { bucket, key, inputs } = request;
  const source = parseCopySource(inputs.get('x-amz-copy-source') ?? '');
  const replace = inputs.get('x-amz-metadata-directive') === 'REPLACE';
  if (!replace && source.bucket === bucket && source.key === key) {
    throw new S3Error('InvalidRequest', 'A copy onto itself must replace the metadata.');
  }
  const condition = writeCondition(inputs);
  const headers = replace ? storedHeaders(inputs) : undefined;
  const { record, blob } = await store.stageCopy(source.bucket, source.key);
  try {
    checkRead(inputs, record, 'x-amz-copy-source-');
  } catch (error) {
    await store.discard(blob);
    throw error;
  }
  const { eTag, modified } = await store.publish(blob, {
    bucket,
    key,
    eTag: record.eTag,
    headers: headers ?? record.headers,
    checksum: record.checksum,
    condition,
    by: 'Copy',
  });
  return documentReply('CopyObjectResult', { ETag: `"${eTag}"`, LastModified: modified });
}

/** @throws PreconditionFailed, NoSuchKey by its condition */
export async function deleteObject(store: ObjectStore, { bucket, key, inputs }: S3Request): Promise<Reply> {
  await store.delete(bucket, key, writeCondition(inputs));
  return { status: 204 };
}

/** @throws MalformedXML, and what the body fails by */
export async function deleteObjects(store: ObjectStore, request: S3Request): Promise<Reply> {
  const xml = await requestBody(request).text(XML_LIMIT);
  const objects = xmlElements(xml, 'Object').map((object) => ({
    key: xmlText(object, 'Key') ?? '',
    ifMatch: xmlText(object, 'ETag'),
  }));
  if (objects.length === 0 || objects.length > MAX_DELETES || objects.some(({ key }) => key === '')) {
    throw new S3Error('MalformedXML');
  }
  const outcomes = await Promise.all(
    objects.map(async ({ key, ifMatch }) => {
      try {
        await store.delete(request.bucket, checkKey(key), { ifAbsent: false, ifMatch });
        return { key, error: undefined };
      } catch (error) {
        return { key, error: error instanceof S3Error ? error : new S3Error('InternalError') };
      }
    }),
  );
  const quiet = xmlText(xml, 'Quiet') === 'true';
  return documentReply('DeleteResult', {
    Deleted: outcomes.flatMap(({ key, error }) => (quiet || error !== undefined ? [] : [{ Key: key }])),
    Error: outcomes.flatMap(({ key, error }) =>
      error === undefined ? [] : [{ Key: key, Code: error.code, Message: error.message }],
    ),
  });
}
