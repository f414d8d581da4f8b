import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestBody } from '../../local/s3/checked-body.ts';
import { crc32c } from '../../local/s3/checksum.ts';
import { decodeChunks } from '../../local/s3/chunked-body.ts';
import { corsHeaders } from '../../local/s3/cors.ts';
import { readPostForm } from '../../local/s3/post-form.ts';
import type { S3Request } from '../../local/s3/request.ts';
import { xmlDocument, xmlText } from '../../local/s3/xml.ts';

/** The bytes as a network might deliver them: cut at the given lengths, again and again. */
async function* cut(bytes: Buffer, lengths: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const length = lengths[piece % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function gather(bytes: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });
/** Much of what the formats themselves are made of. */
const text = fc.string({ unit: fc.constantFrom('\r', '\n', '-', 'e', 'd', '0', 'x'), maxLength: 80 });

describe('an aws-chunked body', () => {
  it('decodes to the same bytes however it is chunked and cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text), lengths, async (chunks, cuts) => {
        const coded = chunks
          .filter((chunk) => chunk !== '')
          .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
          .join('');
        const trailers = new Map<string, string>();
        const body = Buffer.from(`${coded}0\r\nX-Amz-Checksum-CRC32: abc=\r\n\r\n`);
        expect(await gather(decodeChunks(cut(body, cuts), trailers))).toBe(chunks.join(''));
        expect([...trailers]).toEqual([['x-amz-checksum-crc32', 'abc=']]);
      }),
    );
  });

  it('is refused when it is malformed, cut off, or not as long as announced', async () => {
    const read = (body: string, length: number) => {
      const inputs = new Map([
        ['x-amz-content-sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'],
        ['x-amz-decoded-content-length', String(length)],
      ]);
      const message: Pick<S3Request, 'inputs' | 'body'> = { inputs, body: cut(Buffer.from(body), [4]) };
      return gather(requestBody(message));
    };
    expect(await read('3\r\nabc\r\n0\r\n\r\n', 3)).toBe('abc');
    await expect(read('3\r\nabc\r\n0\r\n\r\n', 4)).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expect(read('3\r\nabc\r\n', 3)).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expect(read('3\r\nab', 3)).rejects.toMatchObject({ code: 'IncompleteBody' });
    await expect(read('2\r\nabc\r\n0\r\n\r\n', 3)).rejects.toMatchObject({ code: 'InvalidRequest' });
    await expect(read('-3\r\nabc\r\n0\r\n\r\n', 3)).rejects.toMatchObject({ code: 'InvalidRequest' });
    await expect(read('3'.repeat(9_000), 3)).rejects.toMatchObject({ code: 'InvalidRequest' });
  });
});

describe('an upload form', () => {
  it('gives the same fields and file however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, lengths, async (field, file, cuts) => {
        fc.pre(!`\r\n${field}`.includes('\r\n--edge') && !`\r\n${file}`.includes('\r\n--edge'));
        const body = Buffer.from(
          `--edge\r\nContent-Disposition: form-data; name="Key"\r\n\r\n${field}\r\n` +
            `--edge\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n` +
            `${file}\r\n--edge\r\nContent-Disposition: form-data; name="after"\r\n\r\nx\r\n--edge--\r\n`,
        );
        const form = await readPostForm('multipart/form-data; boundary=edge', cut(body, cuts));
        expect([...form.fields]).toEqual([['key', field]]);
        expect(form.fileName).toBe('a.png');
        expect(await gather(form.file)).toBe(file);
      }),
    );
  });
});

describe('the XML', () => {
  it('gives back any text, and holds no raw control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        const xml = xmlDocument('Key', any);
        expect(xmlText(xml, 'Key')).toBe(any);
        expect([...xml.slice(xml.indexOf('<Key'))].every((character) => character >= ' ')).toBe(true);
      }),
    );
  });
});

it('CRC-32C has the value that its definition gives for the nine digits', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe3069283);
});

it('a pattern of an origin does not use a letter twice', () => {
  const allowed = (origin: string) =>
    Object.keys(corsHeaders({ origins: ['https://a*a.example'] }, origin)).length > 0;
  expect(allowed('https://ab-a.example')).toBe(true);
  expect(allowed('https://a.example')).toBe(false);
});
