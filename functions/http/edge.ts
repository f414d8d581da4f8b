/**
 * The HTTP edge of every route: middy turns the API Gateway event into a small request, the route answers with
 * status and JSON, and any error becomes a problem. Routes never see API Gateway.
 */
import middy from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { OutboardError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { problem } from './problem.ts';

/** What a route needs to know of a request. */
export interface Request {
  /** Who asks: the API key's id. Every row and key belongs to one tenant. */
  readonly tenant: string;
  /** Scheme, host and stage, without a slash at the end. */
  readonly baseUrl: string;
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  /** Sent as JSON; undefined sends no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (request: Request) => Promise<Reply>;

export function httpFunction(route: Route, log: Logger) {
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .use(httpHeaderNormalizer())
    .onError((failed) => {
      failed.response = withCors(problem(failed.error, log, failed.event.path));
    })
    .handler(async (event) => {
      const reply = await route(readRequest(event));
      return withCors({
        statusCode: reply.status,
        headers: { 'content-type': 'application/json', ...reply.headers },
        body: reply.body === undefined ? '' : JSON.stringify(reply.body),
      });
    });
}

function readRequest(event: APIGatewayProxyEvent): Request {
  return {
    tenant: event.requestContext.identity?.apiKeyId ?? 'public',
    baseUrl: baseUrlOf(event),
    path: event.pathParameters ?? {},
    query: event.queryStringParameters ?? {},
    headers: event.headers,
    // serverless-offline hands over a body that is `false` in JSON as just that.
    body: Buffer.from(String(event.body ?? ''), event.isBase64Encoded ? 'base64' : 'utf8'),
  };
}

/** The stage is in requestContext.path and not in path; a custom domain maps it away. */
function baseUrlOf(event: APIGatewayProxyEvent): string {
  const full = event.requestContext.path ?? event.path;
  const prefix = full.endsWith(event.path) ? full.slice(0, full.length - event.path.length) : '';
  const scheme = event.headers['x-forwarded-proto'] ?? 'http';
  return `${scheme}://${event.headers.host ?? event.requestContext.domainName ?? 'localhost'}${prefix}`;
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'location, preference-applied, retry-after, x-amzn-requestid',
};

/** Keys, not cookies, guard the API, so any page that holds a key may call it. */
function withCors(result: APIGatewayProxyResult): APIGatewayProxyResult {
  return { ...result, headers: { ...result.headers, ...CORS } };
}

/** @throws body_too_large, unsupported_media_type or invalid_json. */
export function readJson(request: Request, maxBytes: number): unknown {
  if (request.body.byteLength > maxBytes) {
    throw new OutboardError('body_too_large', {
      detail: `It has ${request.body.byteLength} bytes, the limit is ${maxBytes}.`,
    });
  }
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type)) throw new OutboardError('unsupported_media_type');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch (error) {
    throw new OutboardError('invalid_json', { cause: error });
  }
}
