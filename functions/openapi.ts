/** GET /v1/openapi.json: the API described by the schemas that validate it. */
import { createLogger } from '../shared/log.ts';
import { httpFunction, type Reply } from './http/edge.ts';
import { openApiDocument } from './http/openapi-document.ts';

export function openapi() {
  return async (request: { readonly baseUrl: string }): Promise<Reply> => ({
    status: 200,
    body: openApiDocument(request.baseUrl),
  });
}

export const handler = httpFunction(openapi(), createLogger('openapi'));
