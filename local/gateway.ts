/**
 * The front of the local API: serves the page, passes all other requests on to serverless-offline, and gives the answers that API Gateway gives
 * by itself (no key, no route, too large) the form that infra/gateway.yml gives them in a stage.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ErrorCode, OutboardError } from '../shared/errors.ts';
import type { Page, PageFile } from './page.ts';
import { HOST, KEEP_ALIVE_MS } from './settings.ts';

/** API Gateway's own limit on a request. */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;

interface GatewayOptions {
  readonly port: number;
  readonly upstreamPort: number;
  readonly page: Page;
}

export async function startGateway({
  port,
  upstreamPort,
  page,
}: GatewayOptions): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((incoming, response) => {
    const file = pageFile(page, incoming);
    if (file !== undefined) {
      response.writeHead(200, { ...file.headers, 'content-length': file.body.byteLength });
      response.end(incoming.method === 'HEAD' ? undefined : file.body);
      return;
    }
    forward(incoming, response, upstreamPort).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, incoming, error instanceof OutboardError ? error.code : 'service_unavailable');
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    url: `http://${HOST}:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function pageFile(page: Page, { method = '', url = '' }: IncomingMessage): PageFile | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  return page.get(url.split('?')[0] ?? '');
}

/** The upstream ends quiet connections after five seconds, and a request that meets that end would be lost. */
const eachItsOwn = new Agent({ keepAlive: false });

async function forward(incoming: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
  const { method, url: path, headers } = incoming;
  const outgoing = request({ host: HOST, port, method, path, headers, agent: eachItsOwn });
  const answered = once(outgoing, 'response');
  // Whatever ends first is what counts: an early answer to a body that is still coming, or a body over the limit.
  const sent = pipeline(incoming, limitBytes(), outgoing);
  sent.catch(() => outgoing.destroy());
  const [answer] = (await Promise.race([answered, sent.then(() => answered)])) as [IncomingMessage];
  const code = gatewayError(answer);
  if (code !== undefined) {
    answer.resume();
    refuse(response, incoming, code);
    return;
  }
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'x-amzn-requestid': randomUUID() });
  await pipeline(answer, response);
}

/** Which of its own errors the gateway answered with; functions answer theirs as problem+json, and 503 as health. */
function gatewayError({ statusCode, headers }: IncomingMessage): ErrorCode | undefined {
  if (headers['content-type']?.startsWith('application/problem+json')) return undefined;
  if (statusCode === 400) return 'invalid_request';
  if (statusCode === 403) return 'unauthorized';
  if (statusCode === 404) return 'route_not_found';
  if (statusCode === 413) return 'body_too_large';
  if (statusCode === 415) return 'unsupported_media_type';
  // A function that crashed or took too long.
  if (statusCode === 502 || statusCode === 504) return 'service_unavailable';
  return undefined;
}

function refuse(response: ServerResponse, { url = '/' }: IncomingMessage, code: ErrorCode): void {
  const { httpStatus: status, message: detail } = new OutboardError(code);
  const [instance] = url.split('?');
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'retry-after, x-amzn-requestid',
    'x-amzn-requestid': randomUUID(),
    // What is left of a refused body is not worth reading.
    connection: 'close',
  });
  response.end(
    JSON.stringify({
      type: `urn:outboard:error:${code}`,
      title: code.replaceAll('_', ' '),
      status,
      detail,
      instance,
      code,
    }),
  );
}

function limitBytes(): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      seen += chunk.byteLength;
      if (seen > MAX_REQUEST_BYTES) done(new OutboardError('body_too_large'));
      else done(null, chunk);
    },
  });
}
