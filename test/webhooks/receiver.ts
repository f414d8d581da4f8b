/** A webhook's receiver on 127.0.0.1: it keeps what came, and behaves as the test says, which may change at any time. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { onTestFinished, vi } from 'vitest';

export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Behaviour = (response: ServerResponse) => void;
export const answers =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end('thanks');
export const hangs: Behaviour = () => {};

export async function startReceiver(behaviour: Behaviour = answers(204)) {
  const received: Received[] = [];
  let behave = behaviour;
  let server = newServer();
  function newServer() {
    return createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({
          headers: request.headers as Record<string, string>,
          body: Buffer.concat(chunks).toString(),
        });
        behave(response);
      });
    });
  }
  async function listen(port: number) {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
  async function stop() {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
  const port = await listen(0);
  onTestFinished(stop);
  return {
    url: `http://127.0.0.1:${port}/in?from=outboard`,
    port,
    received,
    /** The ids of all that came, in order. */
    ids: () => received.map(({ headers }) => headers['webhook-id']),
    become(next: Behaviour) {
      behave = next;
    },
    /** Nobody listens any more. */
    stop,
    async start() {
      server = newServer();
      await listen(port);
    },
  };
}

/**
 * What the library of the scheme makes of a message: its body, where the signature is right. The library looks at the
 * clock, which is that of the message here.
 */
export function verified({ headers, body }: Received, secret: string): Record<string, unknown> {
  vi.useFakeTimers({ toFake: ['Date'], now: Number(headers['webhook-timestamp']) * 1000 });
  try {
    return new Webhook(secret).verify(body, headers) as Record<string, unknown>;
  } finally {
    vi.useRealTimers();
  }
}
