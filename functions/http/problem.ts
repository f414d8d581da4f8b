/**
 * Errors on the wire: application/problem+json (RFC 9457) with the stable code of shared/errors.ts.
 * What was not foreseen is logged with its cause and shown as internal_error; nothing internal reaches a client.
 */
import type { APIGatewayProxyResult } from 'aws-lambda';
import { asOutboardError, type OutboardError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

/** Seconds a client should wait before it repeats a request that may pass later. */
const RETRY_AFTER_SECONDS = 5;

export function problem(thrown: unknown, log: Logger, instance: string): APIGatewayProxyResult {
  const error = asOutboardError(thrown);
  const status = error.httpStatus;
  if (status >= 500) log.error({ err: error.cause ?? error, code: error.code, instance }, error.message);
  else log.info({ code: error.code, field: error.field, instance }, error.message);
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 429 || status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    },
    body: JSON.stringify(problemBody(error, instance)),
  };
}

function problemBody(error: OutboardError, instance: string) {
  return {
    type: `urn:outboard:error:${error.code}`,
    title: error.code.replaceAll('_', ' '),
    status: error.httpStatus,
    detail: error.message,
    instance,
    code: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
  };
}
