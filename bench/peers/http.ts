/** The clients' half of HTTP, on connections that stay open: a new one for each request would be a cost of the bench. */
import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

const agent = new Agent({ keepAlive: true, maxSockets: 1024 });

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** @throws where the connection breaks */
export function send(
  url: string,
  { body, headers = {} }: { body?: Buffer | string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { agent, method: body === undefined ? 'GET' : 'POST', headers },
      (incoming) => {
        buffer(incoming).then((whole) => resolve({ status: incoming.statusCode ?? 0, body: whole }), reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** @throws where the answer is not the one wanted */
export async function expectOk(answering: Promise<Answer>): Promise<Buffer> {
  const { status, body } = await answering;
  if (status !== 200) throw new Error(`${status} ${body.subarray(0, 300).toString()}`);
  return body;
}

/** A pause of the clients must not leave connections that the next system would be asked over. */
export const closeConnections = (): void => agent.destroy();
