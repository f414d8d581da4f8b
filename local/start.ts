/** `npm start`: the whole system in one terminal, until Ctrl-C. */
import { createServer } from 'node:net';
import path from 'node:path';
import { API_KEY, HOST, portsFrom } from './settings.ts';
import { startStack } from './stack.ts';

const DEFAULT_PORT = 3000;

const port = Number(process.env.PORT ?? DEFAULT_PORT);
const directory = path.resolve(import.meta.dirname, '../.outboard');
const begun = performance.now();

/** A port that somebody else holds would show up as a riddle from deep inside one of the parts. */
async function refuseBusyPorts(): Promise<void> {
  for (const [part, number] of Object.entries(portsFrom(port))) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', () =>
        reject(new Error(`Port ${number} (${part}) is in use; try PORT=${port + 100} npm start`)),
      );
      server.listen(number, HOST, () => server.close(() => resolve()));
    });
  }
}

function banner(url: string, s3Url: string, metricsUrl: string): string {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  return `
Outboard is ready after ${seconds} s.

  API      ${url}/v1        x-api-key: ${API_KEY}
  OpenAPI  ${url}/v1/openapi.json
  Worker   ${metricsUrl}/metrics
  S3       ${s3Url}
  Data     ${path.relative(process.cwd(), directory) || directory}

Try it (any picture of yours instead of test/fixtures/photo.jpg):

  curl -s ${url}/v1/jobs -H 'x-api-key: ${API_KEY}' -H 'content-type: application/json' -H 'prefer: wait=20' \\
    -d "{\\"image_base64\\": \\"$(base64 -w0 test/fixtures/photo.jpg)\\", \\"upscale_factor\\": 4}"

Ctrl-C ends everything.
`;
}

try {
  await refuseBusyPorts();
  const stack = await startStack({ port, directory, print: console.log });
  console.log(banner(stack.url, stack.s3Url, stack.metricsUrl));
  let ending = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, async () => {
      if (ending) process.exit(1);
      ending = true;
      console.log('\nEnding; jobs in hand go back to the queue. Ctrl-C again ends at once.');
      await stack.close();
      process.exit(0);
    });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
