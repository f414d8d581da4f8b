/**
 * A file as an object. The SDK tries again what meets a passing fault, but not a request whose body is a stream: a connection that
 * the service has just closed would then cost the work of minutes. So the file is opened anew for each try.
 */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';

export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
}

const TRIES = 4;
/** Doubled from try to try. */
const PAUSE_MS = 100;
const TOO_MANY = 429;
const SERVER_ERROR = 500;

/** @throws what the last try ended with; the signal's reason */
export async function putFile(
  client: S3Client,
  request: Omit<PutObjectCommandInput, 'Body' | 'ContentLength'>,
  file: StoredFile,
  signal?: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const failure = await tryOnce(client, request, file, signal);
    if (failure === undefined) return;
    if (!failure.mayPass || attempt === TRIES || signal?.aborted === true) throw failure.error;
    await sleep(PAUSE_MS * 2 ** (attempt - 1), undefined, signal === undefined ? {} : { signal });
  }
}

interface Failure {
  readonly error: unknown;
  readonly mayPass: boolean;
}

async function tryOnce(
  client: S3Client,
  request: Omit<PutObjectCommandInput, 'Body' | 'ContentLength'>,
  { path, bytes }: StoredFile,
  signal: AbortSignal | undefined,
): Promise<Failure | undefined> {
  // Opened here, and what reading it fails by turned into an abort: the SDK lets an error of a body stream escape uncaught.
  const file = await open(path);
  const unreadable = new AbortController();
  const content = file.createReadStream();
  const body = Readable.from(orAborted(content, unreadable), { objectMode: false });
  const abortSignal = signal === undefined ? unreadable.signal : AbortSignal.any([signal, unreadable.signal]);
  try {
    const command = new PutObjectCommand({ ...request, Body: body, ContentLength: bytes });
    await client.send(command, { abortSignal });
    return undefined;
  } catch (error) {
    return { error, mayPass: !unreadable.signal.aborted && isPassing(error) };
  } finally {
    body.destroy();
    content.destroy();
  }
}

/** The same bytes; where they cannot be read, an abort and no more bytes. */
async function* orAborted(content: AsyncIterable<Buffer>, stop: AbortController): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    stop.abort(error);
  }
}

/** The service was not reached, or was in trouble; anything else it says about the request itself. */
function isPassing(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  return status === undefined || status === TOO_MANY || status >= SERVER_ERROR;
}
