/**
 * PostObject: an upload by a signed form, from a browser. The size bound of the policy holds while the bytes come
 * in, because the length that a client announces covers the whole form and proves nothing about the file.
 */
import { CheckedBody, withinSize } from './checked-body.ts';
import { S3Error } from './errors.ts';
import { storedHeaders } from './headers.ts';
import type { ObjectStore } from './objects.ts';
import { readPostForm } from './post-form.ts';
import { checkPolicy } from './post-policy.ts';
import { documentReply, type Reply } from './reply.ts';
import { checkKey, type S3Request } from './request.ts';
import type { Credentials } from './signature.ts';

/** @throws what the policy, the form or the size fails by */
export async function postObject(
  store: ObjectStore,
  request: S3Request,
  credentials: Credentials,
): Promise<Reply> {
  const { bucket, headers } = request;
  const form = await readPostForm(headers.get('content-type') ?? '', request.body);
  const key = checkKey((form.fields.get('key') ?? '').replace(/\$\{filename\}/g, () => form.fileName));
  if (key === '') throw new S3Error('InvalidArgument', "Bucket POST must contain a field named 'key'.");
  const fields = new Map([...form.fields, ['key', key], ['bucket', bucket]]);
  const range = checkPolicy(fields, credentials);
  if (fields.has('success_action_redirect')) throw new S3Error('NotImplemented');

  const body = new CheckedBody(withinSize(form.file, range), fields);
  const objectHeaders = storedHeaders(fields);
  const blob = await store.stage(body);
  const { eTag } = await store.publish(blob, {
    bucket,
    key,
    eTag: blob.md5,
    headers: objectHeaders,
    checksum: body.checksum,
    condition: { ifAbsent: false, ifMatch: undefined },
    by: 'Post',
  });
  const location = `http://${headers.get('host')}/${bucket}/${encodeURIComponent(key)}`;
  const answer = { etag: `"${eTag}"`, location };
  const status = fields.get('success_action_status');
  if (status !== '201') return { status: status === '200' ? 200 : 204, headers: answer };
  const reply = documentReply(
    'PostResponse',
    { Location: location, Bucket: bucket, Key: key, ETag: `"${eTag}"` },
    201,
  );
  return { ...reply, headers: { ...reply.headers, ...answer } };
}
