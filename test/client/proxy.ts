/** A network that fails when a test wants it to: passes requests on to a stack, or does something else with them. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Hands the request to the stack and gives its answer to the client. */
  pass(): Promise<void>;
  /** Hands the request to the stack and keeps its answer: the connection breaks. */
  swallow(): Promise<void>;
}

/** @param visit what to do with the n-th request, counted from 0. @returns the proxy's address */
export async function startProxy(
  target: string,
  visit: (visit: Visit, index: number) => Promise<void>,
): Promise<string> {
  let count = 0;
  const server = createServer((incoming, response) => {
    const forward = async (): Promise<IncomingMessage> => {
      const { method, url, headers } = incoming;
      const outgoing = request(target + url, { method, headers });
      incoming.pipe(outgoing);
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      return answer;
    };
    const pass = async () => {
      const answer = await forward();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    };
    const swallow = async () => {
      (await forward()).resume();
      response.destroy();
    };
    visit({ request: incoming, response, pass, swallow }, count++).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
