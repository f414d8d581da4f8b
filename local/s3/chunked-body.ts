/**
 * The aws-chunked coding that SDKs use for streams: `SIZE\r\n BYTES\r\n … 0\r\n trailer:value\r\n \r\n`. The
 * checksum stands in the trailer, because it is known only after the bytes have gone out.
 */
import { ByteReader } from './byte-reader.ts';
import { S3Error } from './errors.ts';

const CRLF = '\r\n';
const LINE_LIMIT = 8_192;

/** The bytes without their coding; `trailers` (lower-case name → value) is filled when the last byte was read. */
export async function* decodeChunks(
  source: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(source);
  const line = () =>
    reader.text(CRLF, LINE_LIMIT, new S3Error('InvalidRequest', 'A chunk header is too long.'));
  for (;;) {
    const size = (await line()).split(';', 1)[0] ?? '';
    if (!/^[0-9a-f]{1,12}$/i.test(size))
      throw new S3Error('InvalidRequest', 'A chunk size is not hexadecimal.');
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    yield* reader.take(length);
    if ((await line()) !== '') throw new S3Error('InvalidRequest', 'A chunk is longer than its size.');
  }
  for (let trailer = await line(); trailer !== ''; trailer = await line()) {
    const colon = trailer.indexOf(':');
    trailers.set(trailer.slice(0, colon).trim().toLowerCase(), trailer.slice(colon + 1).trim());
  }
}
