/**
 * What an upload's headers (or form fields) say about the object, kept in the form in which they are sent back.
 * Values are checked on the way in and out: a line break would end the answer's header and start another.
 */
import { S3Error } from './errors.ts';

const METADATA_PREFIX = 'x-amz-meta-';
const METADATA_LIMIT = 2_048;
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';
const kept = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** Header names in lower case and their values. */
export type StoredHeaders = Readonly<Record<string, string>>;

/** @throws InvalidArgument for what HTTP cannot carry */
function headerValue(value: string): string {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new S3Error('InvalidArgument', 'Header value cannot be represented using ISO-8859-1.');
  }
  return value;
}

/** Text outside ASCII as S3 gives it back: an encoded word of RFC 2047. */
const metadataValue = (value: string): string =>
  /[^\x20-\x7e]/.test(value) ? `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=` : value;

/** @throws MetadataTooLarge, InvalidArgument */
export function storedHeaders(inputs: ReadonlyMap<string, string>): StoredHeaders {
  const headers: Record<string, string> = { 'content-type': DEFAULT_CONTENT_TYPE };
  let metadataBytes = 0;
  for (const [name, value] of inputs) {
    if (kept.includes(name)) {
      // aws-chunked is a coding of the request, not of the object.
      const own = name === 'content-encoding' ? value.replace(/(^|,\s*)aws-chunked(?=\s*(,|$))/g, '') : value;
      if (own !== '') headers[name] = headerValue(own);
    } else if (name.startsWith(METADATA_PREFIX)) {
      if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
        throw new S3Error('InvalidArgument', `${name} is not a name.`);
      metadataBytes += Buffer.byteLength(name.slice(METADATA_PREFIX.length)) + Buffer.byteLength(value);
      headers[name] = metadataValue(value);
    }
  }
  if (metadataBytes > METADATA_LIMIT) throw new S3Error('MetadataTooLarge');
  return headers;
}

/** The response-content-type, … parameters of a signed GET, by the header that each replaces. */
export function overriddenHeaders(query: ReadonlyMap<string, string>): StoredHeaders {
  return Object.fromEntries(
    kept.flatMap((name) => {
      const value = query.get(`response-${name}`);
      return value === undefined ? [] : [[name, headerValue(value)]];
    }),
  );
}
