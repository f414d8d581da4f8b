/**
 * Cross-origin rules of a bucket. A browser shows a page the answer to its upload only where these headers allow
 * it, so errors carry them too: without them a refused upload reads as a network failure.
 */
import { S3Error } from './errors.ts';
import type { Reply } from './reply.ts';
import type { S3Request } from './request.ts';

export interface CorsRule {
  /** Exact origins, `*`, or one `*` within: `http://localhost:*`. */
  readonly origins: readonly string[];
}

const METHODS = 'GET, HEAD, PUT, POST, DELETE';
const PREFLIGHT_SECONDS = '3000';

function allows(pattern: string, origin: string): boolean {
  const [start = '', end] = pattern.split('*');
  if (end === undefined) return pattern === origin;
  return origin.length >= start.length + end.length && origin.startsWith(start) && origin.endsWith(end);
}

/** Headers for the answer to a request of this origin; none where it has none or is not allowed. */
export function corsHeaders(rule: CorsRule | undefined, origin: string | undefined): Record<string, string> {
  if (origin === undefined || !rule?.origins.some((pattern) => allows(pattern, origin))) return {};
  return {
    'access-control-allow-origin': rule.origins.includes('*') ? '*' : origin,
    'access-control-allow-methods': METHODS,
    'access-control-expose-headers': 'ETag, Content-Range, Location, x-amz-request-id',
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

/** The answer to OPTIONS. @throws AccessForbidden */
export function preflight(rule: CorsRule | undefined, { headers }: S3Request): Reply {
  const allowed = corsHeaders(rule, headers.get('origin'));
  const method = headers.get('access-control-request-method') ?? '';
  if (Object.keys(allowed).length === 0 || !METHODS.split(', ').includes(method)) {
    throw new S3Error('AccessForbidden');
  }
  return {
    status: 200,
    headers: {
      ...allowed,
      'access-control-allow-headers': headers.get('access-control-request-headers') ?? '*',
      'access-control-max-age': PREFLIGHT_SECONDS,
    },
  };
}
