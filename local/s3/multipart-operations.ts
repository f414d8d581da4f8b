/**
 * The operations of a multipart upload: create, upload a part, list parts, complete, abort. Completion verifies
 * the client's list against what is stored: the list, and not the uploads, says what the object holds.
 */
import { createHash } from 'node:crypto';
import { CheckedBody, type Checksum, requestBody } from './checked-body.ts';
import { compositeChecksum, isChecksumHeader } from './checksum.ts';
import { writeCondition } from './conditions.ts';
import { S3Error } from './errors.ts';
import { storedHeaders } from './headers.ts';
import { limitParameter } from './list.ts';
import type { MultipartUploads, Part, Upload } from './multipart.ts';
import type { ObjectStore } from './objects.ts';
import { documentReply, type Reply } from './reply.ts';
import type { S3Request } from './request.ts';
import { xmlElements, xmlText } from './xml.ts';

const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const XML_LIMIT = 4 * 1024 * 1024;

const uploadId = ({ query }: S3Request): string => query.get('uploadId') ?? '';

/** x-amz-checksum-crc32 → ChecksumCRC32 */
const elementOf = (header: string): string =>
  `Checksum${header.replace('x-amz-checksum-', '').toUpperCase()}`;

export async function createMultipartUpload(uploads: MultipartUploads, request: S3Request): Promise<Reply> {
  const { bucket, key, inputs } = request;
  const algorithm = inputs.get('x-amz-checksum-algorithm');
  const id = await uploads.create({
    bucket,
    key,
    headers: storedHeaders(inputs),
    checksumOfObject: inputs.get('x-amz-checksum-type') === 'FULL_OBJECT',
    ...(algorithm === undefined ? {} : { checksumHeader: `x-amz-checksum-${algorithm.toLowerCase()}` }),
  });
  return documentReply('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id });
}

/** @throws NoSuchUpload, InvalidArgument, and what the body fails by */
export async function uploadPart(uploads: MultipartUploads, request: S3Request): Promise<Reply> {
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}.`);
  }
  await uploads.find(uploadId(request), request.bucket, request.key);
  const { blob, checksum } = await uploads.addPart(uploadId(request), number, requestBody(request));
  return {
    status: 200,
    headers: { etag: `"${blob.md5}"`, ...(checksum && { [checksum.header]: checksum.value }) },
  };
}

/** @throws NoSuchUpload */
export async function listParts(uploads: MultipartUploads, request: S3Request): Promise<Reply> {
  const { bucket, key, query } = request;
  await uploads.find(uploadId(request), bucket, key);
  const marker = limitParameter(query, 'part-number-marker', MAX_PARTS);
  const after = query.has('part-number-marker') ? marker : 0;
  const left = (await uploads.parts(uploadId(request))).filter(({ number }) => number > after);
  const page = left.slice(0, limitParameter(query, 'max-parts', 1_000));
  return documentReply('ListPartsResult', {
    Bucket: bucket,
    Key: key,
    UploadId: uploadId(request),
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.number,
    MaxParts: limitParameter(query, 'max-parts', 1_000),
    IsTruncated: left.length > page.length,
    Part: page.map(({ number, modified, blob, checksum }) => ({
      PartNumber: number,
      LastModified: modified,
      ETag: `"${blob.md5}"`,
      Size: blob.size,
      ...(checksum && { [elementOf(checksum.header)]: checksum.value }),
    })),
  });
}

/** The stored parts that the client's list names. @throws MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall */
function chosenParts(xml: string, { checksumHeader }: Upload, stored: readonly Part[]): Part[] {
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  const items = xmlElements(xml, 'Part');
  if (items.length === 0 || items.length > MAX_PARTS) throw new S3Error('MalformedXML');
  const numbers = items.map((item) => Number(xmlText(item, 'PartNumber')));
  if (numbers.some((number, index) => !(number > (numbers[index - 1] ?? 0))))
    throw new S3Error('InvalidPartOrder');
  return items.map((item, index) => {
    const part = byNumber.get(numbers[index] ?? 0);
    if (part === undefined || xmlText(item, 'ETag')?.replaceAll('"', '') !== part.blob.md5) {
      throw new S3Error('InvalidPart');
    }
    if (index < items.length - 1 && part.blob.size < MIN_PART_BYTES) throw new S3Error('EntityTooSmall');
    const declared = part.checksum && xmlText(item, elementOf(part.checksum.header));
    if (declared !== undefined && declared !== part.checksum?.value) throw new S3Error('InvalidPart');
    if (checksumHeader !== undefined && declared === undefined) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was begun with ${checksumHeader}: part ${part.number} must have it.`,
      );
    }
    return part;
  });
}

/** The checksum of the parts' checksums, where they all have one. @throws BadDigest where the client's differs */
function checksumOfParts(
  parts: readonly Part[],
  declared: ReadonlyMap<string, string>,
): Checksum | undefined {
  const header = parts[0]?.checksum?.header;
  if (header === undefined || parts.some(({ checksum }) => checksum?.header !== header)) return undefined;
  const value = compositeChecksum(
    header,
    parts.map(({ checksum }) => checksum?.value ?? ''),
  );
  if ((declared.get(header) ?? value) !== value) throw new S3Error('BadDigest');
  return { header, value };
}

/** @throws NoSuchUpload, PreconditionFailed, and what the list of parts fails by */
export async function completeMultipartUpload(
  store: ObjectStore,
  uploads: MultipartUploads,
  request: S3Request,
): Promise<Reply> {
  const { bucket, key, inputs } = request;
  const id = uploadId(request);
  const condition = writeCondition(inputs);
  // Checksum headers of this request are of the object, not of the list.
  const ofObject = new Map([...inputs].filter(([name]) => isChecksumHeader(name)));
  const ofList = new Map([...inputs].filter(([name]) => !isChecksumHeader(name)));
  const xml = await requestBody({ ...request, inputs: ofList }).text(XML_LIMIT);
  const { eTag } = await uploads.complete(id, async () => {
    const upload = await uploads.find(id, bucket, key);
    const parts = chosenParts(xml, upload, await uploads.parts(id));
    const composite = upload.checksumOfObject ? undefined : checksumOfParts(parts, ofObject);
    const body = new CheckedBody(uploads.join(id, parts), upload.checksumOfObject ? ofObject : new Map());
    const blob = await store.stage(body);
    const md5 = createHash('md5');
    for (const part of parts) md5.update(part.blob.md5, 'hex');
    return store.publish(blob, {
      bucket,
      key,
      eTag: `${md5.digest('hex')}-${parts.length}`,
      headers: upload.headers,
      checksum: composite ?? body.checksum,
      condition,
      by: 'CompleteMultipartUpload',
    });
  });
  return documentReply('CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: `"${eTag}"` });
}

/** @throws NoSuchUpload */
export async function abortMultipartUpload(uploads: MultipartUploads, request: S3Request): Promise<Reply> {
  await uploads.find(uploadId(request), request.bucket, request.key);
  await uploads.abort(uploadId(request));
  return { status: 204 };
}
