/**
 * Reads a stream of bytes by marks and counts. It holds no more than one chunk and one mark, however long the
 * stream: form uploads and aws-chunked bodies of any size pass through here.
 */
import { S3Error } from './errors.ts';

export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer;

  /** @param head bytes read before those of the source */
  constructor(source: AsyncIterable<Buffer>, head = '') {
    this.#source = source[Symbol.asyncIterator]();
    this.#held = Buffer.from(head);
  }

  /** @throws IncompleteBody at the end of the source */
  async #fill(): Promise<void> {
    const next = await this.#source.next();
    if (next.done) throw new S3Error('IncompleteBody');
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
  }

  #shift(length: number): Buffer {
    const piece = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return piece;
  }

  /** What stands before `mark`, piece by piece; the mark is consumed too. */
  async *before(mark: string): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      if (at >= 0) {
        const last = this.#shift(at);
        this.#shift(Buffer.byteLength(mark));
        yield last;
        return;
      }
      // The end of what is held may be the start of the mark.
      const safe = this.#held.length - Buffer.byteLength(mark) + 1;
      if (safe > 0) yield this.#shift(safe);
      await this.#fill();
    }
  }

  /** The next `length` bytes, piece by piece. */
  async *take(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#held.length === 0) await this.#fill();
      const piece = this.#shift(left);
      left -= piece.length;
      yield piece;
    }
  }

  /** The UTF-8 text before `mark`. @throws `tooLong` when it has more than `limit` bytes */
  async text(mark: string, limit: number, tooLong: S3Error): Promise<string> {
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of this.before(mark)) {
      length += piece.length;
      if (length > limit) throw tooLong;
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString('utf8');
  }
}
