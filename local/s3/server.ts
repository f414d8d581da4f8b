/**
 * An S3-compatible server for one machine, for development and tests: NOT for production. It listens on the
 * loopback interface only, keeps files in one directory that belongs to it alone while it runs, and answers as
 * AWS does where Outboard and its SDK look: signatures, conditions and form policies are really checked.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { KEEP_ALIVE_MS } from '../settings.ts';
import { type CorsRule, corsHeaders, preflight } from './cors.ts';
import { S3Error } from './errors.ts';
import { type ObjectCreated, objectCreated } from './events.ts';
import { MultipartUploads } from './multipart.ts';
import { ObjectStore } from './objects.ts';
import { operate, type Stores } from './operations.ts';
import { postObject } from './post-object.ts';
import { type Reply, xmlReply } from './reply.ts';
import { parseRequest, type S3Request } from './request.ts';
import { authenticate, type Credentials } from './signature.ts';
import { xmlDocument } from './xml.ts';

export interface S3ServerOptions {
  /** Where the files are kept; created where it is missing. */
  readonly directory: string;
  /** 0, the default, takes any free one. */
  readonly port?: number;
  readonly credentials: Credentials;
  readonly buckets: readonly { readonly name: string; readonly cors?: CorsRule }[];
  /** Called after each write, when it can be read and would survive the end of the process. */
  readonly onObjectCreated?: (event: ObjectCreated) => void;
}

export interface S3Server {
  readonly url: string;
  readonly port: number;
  /** Breaks off the requests under way and waits until nothing touches the directory any more. */
  close(): Promise<void>;
}

const isForm = ({ method, key, headers }: S3Request): boolean =>
  method === 'POST' && key === '' && /^multipart\/form-data/i.test(headers.get('content-type') ?? '');

function errorReply(thrown: unknown, path: string, requestId: string): Reply {
  if (!(thrown instanceof S3Error)) console.error('The local S3 server failed:', thrown);
  const { code, message, status } = thrown instanceof S3Error ? thrown : new S3Error('InternalError');
  if (status === 304) return { status };
  return xmlReply(
    xmlDocument('Error', { Code: code, Message: message, Resource: path, RequestId: requestId }, false),
    status,
  );
}

async function send(response: ServerResponse, method: string | undefined, reply: Reply): Promise<void> {
  const { status, headers = {}, body } = reply;
  const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const silent = method === 'HEAD' || status === 204 || status === 304;
  const empty = body === undefined && !silent ? { 'content-length': '0' } : {};
  response.writeHead(status, { ...length, ...empty, ...headers });
  if (silent || body === undefined || typeof body === 'string') response.end(silent ? undefined : body);
  else await pipeline(body, response);
}

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { directory, port = 0, credentials, buckets, onObjectCreated } = options;
  const objects = await ObjectStore.open(directory, (record, by) => {
    // In a turn of its own: an error of the listener is not one of the upload.
    if (onObjectCreated) setImmediate(onObjectCreated, objectCreated(record, by));
  });
  const stores: Stores = {
    objects,
    uploads: new MultipartUploads(directory),
    buckets: buckets.map(({ name }) => name),
  };

  async function answer(request: S3Request, rule: CorsRule | undefined): Promise<Reply> {
    if (request.method === 'OPTIONS') return preflight(rule, request);
    if (isForm(request)) {
      if (!stores.buckets.includes(request.bucket)) throw new S3Error('NoSuchBucket');
      return postObject(objects, request, credentials);
    }
    authenticate(request, credentials);
    return operate(stores, request);
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    response.setHeader('x-amz-request-id', requestId);
    let reply: Reply;
    try {
      const request = parseRequest(message);
      const rule = buckets.find(({ name }) => name === request.bucket)?.cors;
      for (const [name, value] of Object.entries(corsHeaders(rule, request.headers.get('origin')))) {
        response.setHeader(name, value);
      }
      reply = await answer(request, rule);
    } catch (error) {
      // Nobody is there to be told.
      if (message.destroyed && !message.complete) return;
      reply = errorReply(error, message.url?.split('?', 1)[0] ?? '', requestId);
    }
    try {
      await send(response, message.method, reply);
      // What is left of a refused upload is read and dropped: many clients read the answer only after sending.
      message.removeAllListeners('readable').resume();
    } catch {
      // The client went away, or the file failed under the answer: only breaking off tells it.
      response.destroy();
    }
  }

  const underWay = new Set<Promise<void>>();
  const server = createServer((message, response) => {
    const handling = handle(message, response).finally(() => underWay.delete(handling));
    underWay.add(handling);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // An upload may take as long as it needs.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.allSettled(underWay);
      await closed;
    },
  };
}
