/**
 * Which operation a request asks for, by method and parameters. What is not known here is refused: taken for a
 * plain PUT, a request to tag an object would overwrite it.
 */
import { S3Error } from './errors.ts';
import { listObjects } from './list.ts';
import type { MultipartUploads } from './multipart.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
} from './multipart-operations.ts';
import type { ObjectStore } from './objects.ts';
import { getObject, headObject } from './read.ts';
import { documentReply, type Reply, xmlReply } from './reply.ts';
import type { S3Request } from './request.ts';
import { copyObject, deleteObject, deleteObjects, putObject } from './write.ts';

export interface Stores {
  readonly objects: ObjectStore;
  readonly uploads: MultipartUploads;
  readonly buckets: readonly string[];
}

/** Parameters that any operation may have: they say nothing about which one it is. */
const neutral = /^(x-id|x-amz-.*|response-.*)$/i;
const listing =
  /^(prefix|delimiter|continuation-token|start-after|max-keys|encoding-type|fetch-owner|part-number-marker|max-parts)$/;

const ofBucket: Record<string, (stores: Stores, request: S3Request) => Reply | Promise<Reply>> = {
  HEAD: () => ({ status: 200 }),
  'GET list-type': ({ objects }, request) => xmlReply(listObjects(request, objects.all(request.bucket))),
  'POST delete': ({ objects }, request) => deleteObjects(objects, request),
};

const ofObject: typeof ofBucket = {
  GET: ({ objects }, request) => getObject(objects, request),
  HEAD: ({ objects }, request) => headObject(objects, request),
  PUT: ({ objects }, request) =>
    request.inputs.has('x-amz-copy-source') ? copyObject(objects, request) : putObject(objects, request),
  DELETE: ({ objects }, request) => deleteObject(objects, request),
  'POST uploads': ({ uploads }, request) => createMultipartUpload(uploads, request),
  'PUT partNumber uploadId': ({ uploads }, request) => uploadPart(uploads, request),
  'GET uploadId': ({ uploads }, request) => listParts(uploads, request),
  'POST uploadId': ({ objects, uploads }, request) => completeMultipartUpload(objects, uploads, request),
  'DELETE uploadId': ({ uploads }, request) => abortMultipartUpload(uploads, request),
};

const listBuckets = ({ buckets }: Stores): Reply =>
  documentReply('ListAllMyBucketsResult', {
    Buckets: { Bucket: buckets.map((Name) => ({ Name, CreationDate: new Date(0).toISOString() })) },
  });

/** @throws NoSuchBucket, NotImplemented, and what the operation fails by */
export async function operate(stores: Stores, request: S3Request): Promise<Reply> {
  const { method, bucket, key, query } = request;
  if (bucket === '' && method === 'GET') return listBuckets(stores);
  if (!stores.buckets.includes(bucket)) throw new S3Error('NoSuchBucket');
  const telling = [...query.keys()].filter((name) => !neutral.test(name) && !listing.test(name)).sort();
  const operation = (key === '' ? ofBucket : ofObject)[[method, ...telling].join(' ')];
  if (operation === undefined) throw new S3Error('NotImplemented');
  // Copying a part would be taken for uploading an empty one.
  if (query.has('partNumber') && request.inputs.has('x-amz-copy-source')) throw new S3Error('NotImplemented');
  return operation(stores, request);
}
