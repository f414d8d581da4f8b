/**
 * Memory of canvases that are gone, for those that come. Fresh memory has to be mapped and zeroed, and V8 answers megabytes of it with
 * a garbage collection every few pictures (its threads took 22 of the 295 CPU ms of a 256×256 ×4 job, and take 10). Only a canvas may take it, because it gives its
 * pixels away only when each was written: what an earlier picture left can never be seen.
 */

/** Bytes that lie idle at most. */
const MOST_KEPT = 32_000_000;
/** Memory this many times larger than needed is left for larger pictures. */
const MOST_TOO_LARGE = 2;

export class UsedMemory {
  readonly #kept: Uint8Array[] = [];

  /** @returns exactly `length` bytes, with anything in them */
  take(length: number): Uint8Array {
    const fits = (bytes: Uint8Array) => bytes.length >= length && bytes.length <= length * MOST_TOO_LARGE;
    const [best] = this.#kept.filter(fits).sort((a, b) => a.length - b.length);
    if (best === undefined) return new Uint8Array(length);
    this.#kept.splice(this.#kept.indexOf(best), 1);
    return best.subarray(0, length);
  }

  /** @param bytes that nobody reads or writes any more */
  give({ buffer }: Uint8Array): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength > MOST_KEPT) return;
    this.#kept.push(new Uint8Array(buffer));
    // What was given first has been of no use for longest.
    while (this.bytes > MOST_KEPT) this.#kept.shift();
  }

  /** That lie idle. */
  get bytes(): number {
    return this.#kept.reduce((sum, { length }) => sum + length, 0);
  }
}
