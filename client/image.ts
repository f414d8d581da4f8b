/** Pictures as callers have them, as the API takes them: the address of one, or its bytes. */

/**
 * Bytes in any form, or the http(s) address of a picture, which the server then fetches. `data:` and `blob:` addresses
 * are read here. A stream is read to its end before anything is sent: an upload must say its size first.
 */
export type ImageSource = Blob | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array> | URL | string;

/** The API takes requests of 5.5 MB, and base64 makes 4 bytes of 3. Larger files go by an upload form. */
export const MOST_INLINE_BYTES = 4_000_000;

export type Picture =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'bytes'; readonly blob: Blob; readonly name: string | undefined };

/** @throws TypeError for text that is no address; file paths are for `fs.openAsBlob` to read. */
export async function readImage(image: ImageSource, signal?: AbortSignal): Promise<Picture> {
  if (typeof image === 'string' || image instanceof URL) return readAddress(image, signal);
  if (image instanceof Blob) {
    const name = image instanceof File && isPlainName(image.name) ? image.name : undefined;
    return { kind: 'bytes', blob: image, name };
  }
  const blob =
    image instanceof ReadableStream
      ? await new Response(image).blob()
      : new Blob([image as Uint8Array<ArrayBuffer>]);
  return { kind: 'bytes', blob, name: undefined };
}

async function readAddress(text: string | URL, signal: AbortSignal | undefined): Promise<Picture> {
  if (!URL.canParse(String(text))) {
    throw new TypeError(`${text} is not an address; of a file, give the bytes: await openAsBlob(path).`);
  }
  const { protocol, href } = new URL(text);
  if (protocol !== 'data:' && protocol !== 'blob:') return { kind: 'url', url: href };
  const answer = await fetch(href, signal === undefined ? {} : { signal });
  return { kind: 'bytes', blob: await answer.blob(), name: undefined };
}

/** What the API takes as image_name; any other name says nothing worth keeping. */
const isPlainName = (name: string): boolean => /^[^/\\\p{Cc}\p{Cs}]{1,255}$/u.test(name);

/** Bytes at the start of a file, by the type they mean; `.` stands for any byte. */
const SIGNATURES = [
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/png', /^\x89PNG\r\n/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF....WEBP/s],
  ['image/tiff', /^(II[*+]\0|MM\0[*+])/],
  ['image/avif', /^....ftyp(avif|avis)/s],
] as const;

const LONGEST_SIGNATURE = 12;

/** What the bytes say they are, or else what the blob says; the server judges either. */
export async function contentTypeOf(blob: Blob): Promise<string> {
  const start = new Uint8Array(await blob.slice(0, LONGEST_SIGNATURE).arrayBuffer());
  const text = String.fromCharCode(...start);
  return SIGNATURES.find(([, pattern]) => pattern.test(text))?.[0] ?? blob.type;
}

/** More arguments than this overflow the stack of some engines. */
const CHUNK = 0x8000;

export async function toBase64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return btoa(text);
}
