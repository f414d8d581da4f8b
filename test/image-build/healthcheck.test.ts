import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../../scripts/image/dockerfile.ts';
import { run } from './folder.ts';

/** Answers /health with a status. @returns its port */
async function listen(status: number): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? status : 404).end('{"status":"as told"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

const check = (port: number) =>
  run(process.execPath, [path.join(ROOT, 'gpu-worker/healthcheck.ts')], {
    OUTBOARD_METRICS_PORT: String(port),
  });

describe('the health check', () => {
  it('passes where the worker says that it serves', async () => {
    const { code, output } = await check(await listen(200));
    expect(output).toContain('as told');
    expect(code).toBe(0);
  });

  it('fails where the worker still starts or has given up', async () => {
    expect((await check(await listen(503))).code).toBe(1);
  });

  it('fails where nothing listens, and says so', async () => {
    const port = await listen(200);
    const closed = port === 65_535 ? port - 1 : port + 1;
    const { code, output } = await check(closed);
    expect(code).toBe(1);
    expect(output).toContain('The worker does not answer');
  });
});
