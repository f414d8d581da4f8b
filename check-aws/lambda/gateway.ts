/**
 * API Gateway's part, read from the compiled template: which path leads to which function and which wants a key. Also
 * Lambda's own Invoke call, so that a function can call another. Built for the check alone: no limits, no quotas.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { APIGatewayProxyResult } from 'aws-lambda';
import type { Template } from '../../scripts/package-stage.ts';
import { resourcesOf } from '../stack.ts';
import type { Functions } from './functions.ts';

const HOST = '127.0.0.1';
/** The id by which functions know the one who holds the key. */
const TENANT = 'check-aws-key';

interface Route {
  readonly method: string;
  /** With a named group for each parameter. */
  readonly path: RegExp;
  readonly needsKey: boolean;
  readonly functionId: string;
}

export async function startGateway(
  template: Template,
  functions: Functions,
  apiKey: string,
): Promise<{ url: string; routes: number; close(): Promise<void> }> {
  const routes = routesOf(template);
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      console.log(`          ${request.method} ${request.url}: ${error.message}`);
      response.writeHead(502, { 'x-amz-function-error': 'Unhandled' }).end();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const body = await text(request);
    const [, invoked] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url.pathname) ?? [];
    if (invoked !== undefined) {
      response.writeHead(202).end();
      await functions.invoke(invoked, JSON.parse(body));
      return;
    }
    const route = routes.find(({ method, path }) => method === request.method && path.test(url.pathname));
    if (route === undefined) return void response.writeHead(404).end();
    if (route.needsKey && request.headers['x-api-key'] !== apiKey) return void response.writeHead(403).end();
    const query = Object.fromEntries(url.searchParams);
    const result = (await functions.invoke(route.functionId, {
      httpMethod: request.method,
      path: url.pathname,
      headers: request.headers,
      queryStringParameters: Object.keys(query).length === 0 ? null : query,
      pathParameters: { ...route.path.exec(url.pathname)?.groups },
      body: body === '' ? null : body,
      isBase64Encoded: false,
      requestContext: { path: url.pathname, identity: { apiKeyId: route.needsKey ? TENANT : null } },
    })) as APIGatewayProxyResult;
    response.writeHead(result.statusCode, result.headers as Record<string, string>).end(result.body);
  }

  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://${HOST}:${typeof address === 'object' ? address?.port : ''}`,
    routes: routes.length,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function routesOf(template: Template): Route[] {
  const functionIds = resourcesOf(template, 'AWS::Lambda::Function').map(([id]) => id);
  return resourcesOf(template, 'AWS::ApiGateway::Method').flatMap(([, { Properties }]) => {
    const integration = JSON.stringify(Properties.Integration);
    const functionId = functionIds.find((id) => integration.includes(`{"Fn::GetAtt":["${id}","Arn"]}`));
    if (functionId === undefined) return [];
    const pattern = pathOf(template, Properties.ResourceId).replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
    const { HttpMethod: method, ApiKeyRequired: needsKey } = Properties;
    return [{ method, path: new RegExp(`^${pattern}$`), needsKey: needsKey === true, functionId }];
  });
}

/** A resource knows its own part of the path and its parent; the root is an attribute of the API. */
function pathOf(template: Template, reference: { readonly Ref?: string }): string {
  if (reference.Ref === undefined) return '';
  const Properties = template.Resources[reference.Ref]?.Properties;
  return `${pathOf(template, Properties.ParentId)}/${Properties.PathPart}`;
}
