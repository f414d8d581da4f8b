/**
 * Reads a browser's upload form (multipart/form-data, RFC 7578) up to its file, which is left as a stream. The
 * file must come last: everything the policy decides by stands before it, and S3 ignores what follows.
 */
import { ByteReader } from './byte-reader.ts';
import { S3Error } from './errors.ts';

/** All that stands before the file, as on AWS. */
const FIELDS_LIMIT = 20_480;
const CRLF = '\r\n';

export interface PostForm {
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  readonly fileName: string;
  readonly file: AsyncIterable<Buffer>;
}

const parameter = (header: string, name: string): string | undefined =>
  new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(header)?.[1]?.replace(/\\(["\\])/g, '$1');

const boundaryOf = (contentType: string): string | undefined => {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  return quoted ?? bare;
};

/** @throws MalformedPOSTRequest, InvalidArgument without a file, MaxPostPreDataLengthExceeded, IncompleteBody */
export async function readPostForm(contentType: string, body: AsyncIterable<Buffer>): Promise<PostForm> {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) throw new S3Error('MalformedPOSTRequest');
  const mark = `${CRLF}--${boundary}`;
  // The first boundary has no line break before it; with one lent, all boundaries are alike.
  const reader = new ByteReader(body, CRLF);
  let left = FIELDS_LIMIT;
  const text = async (end: string): Promise<string> => {
    const value = await reader.text(end, left, new S3Error('MaxPostPreDataLengthExceeded'));
    left -= Buffer.byteLength(value);
    return value;
  };

  await text(mark);
  const fields = new Map<string, string>();
  for (;;) {
    let disposition = '';
    // A line that follows the boundary directly, then the part's headers, then an empty line.
    const rest = (await text(CRLF)).trim();
    if (rest.startsWith('--')) throw new S3Error('InvalidArgument', 'POST requires exactly one file upload.');
    if (rest !== '') throw new S3Error('MalformedPOSTRequest');
    for (let line = await text(CRLF); line !== ''; line = await text(CRLF)) {
      if (/^content-disposition:/i.test(line)) disposition = line;
    }
    const name = parameter(disposition, 'name')?.toLowerCase();
    if (name === undefined) throw new S3Error('MalformedPOSTRequest');
    if (name === 'file') {
      const fileName = (parameter(disposition, 'filename') ?? '').split(/[/\\]/).at(-1) ?? '';
      return { fields, fileName, file: reader.before(mark) };
    }
    fields.set(name, await text(mark));
  }
}
