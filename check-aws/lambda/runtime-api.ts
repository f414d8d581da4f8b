/** The Lambda runtime API (version 2018-06-01) of one function, on the loopback interface. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

const HOST = '127.0.0.1';

interface Invocation {
  readonly id: string;
  readonly event: unknown;
  readonly timeoutMs: number;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export interface RuntimeApi {
  /** host:port, as AWS_LAMBDA_RUNTIME_API has it. */
  readonly address: string;
  /** What the handler returned. @throws Error with what it threw, or why it could not be loaded */
  invoke(event: unknown, timeoutMs: number): Promise<unknown>;
  /** Ends every open invocation with this error. */
  fail(error: Error): void;
  close(): Promise<void>;
}

export async function startRuntimeApi(functionArn: string): Promise<RuntimeApi> {
  const waiting: Invocation[] = [];
  const running = new Map<string, Invocation>();
  let idle: ServerResponse | undefined;
  let failed: Error | undefined;

  function handOut(): void {
    if (idle === undefined) return;
    const invocation = waiting.shift();
    if (invocation === undefined) return;
    running.set(invocation.id, invocation);
    idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.id,
      'lambda-runtime-deadline-ms': Date.now() + invocation.timeoutMs,
      'lambda-runtime-invoked-function-arn': functionArn,
    });
    idle.end(JSON.stringify(invocation.event));
    idle = undefined;
  }

  function fail(error: Error): void {
    failed ??= error;
    for (const { reject } of [...running.values(), ...waiting.splice(0)]) reject(failed);
    running.clear();
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.replace('/2018-06-01/runtime/', '') ?? '';
    if (path === 'invocation/next') {
      idle = response;
      handOut();
      return;
    }
    const body = await json(request);
    response.writeHead(202).end();
    const [, id = '', outcome] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (path === 'init/error') fail(asError(body));
    else if (outcome === 'response') running.get(id)?.resolve(body);
    else running.get(id)?.reject(asError(body));
    running.delete(id);
  }

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  return {
    address: `${HOST}:${typeof address === 'object' ? address?.port : ''}`,
    invoke: (event, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (failed !== undefined) return reject(failed);
        waiting.push({ id: randomUUID(), event, timeoutMs, resolve, reject });
        handOut();
      }),
    fail,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const asError = (body: unknown): Error => {
  const { errorType, errorMessage, stackTrace } = body as Record<string, unknown>;
  const error = new Error(`${errorType}: ${errorMessage}`);
  if (Array.isArray(stackTrace)) error.stack = stackTrace.join('\n');
  return error;
};
