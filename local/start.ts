/** `npm start`: the whole system in one terminal, until Ctrl-C. */
import { createServer } from 'node:net';
import path from 'node:path';
import { API_KEY, HOST, portsFrom } from './settings.ts';
import { type Stack, startStack } from './stack.ts';

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

function banner({ url, s3Url, metricsUrl }: Stack): string {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  return `
Outboard is ready after ${seconds} s.

  Page     ${url}/
  API      ${url}/v1        x-api-key: ${API_KEY}
  OpenAPI  ${url}/v1/openapi.json
  Worker   ${metricsUrl}/metrics
  S3       ${s3Url}
  Data     ${path.relative(process.cwd(), directory) || directory}

Try it (any picture of yours instead of test/fixtures/photo.jpg):

  printf '{"upscale_factor": 4, "image_base64": "%s"}' "$(base64 < test/fixtures/photo.jpg | tr -d '\\n')" |
    curl -s ${url}/v1/jobs -d @- -H 'x-api-key: ${API_KEY}' -H 'content-type: application/json' -H 'prefer: wait=20'

Ctrl-C ends everything.
`;
}

async function start(): Promise<Stack> {
  await refuseBusyPorts();
  // Whoever sets a bound for the workers wants to see them come and go.
  const fleet = process.env.OUTBOARD_MAX_WORKERS !== undefined;
  const stack = await startStack({ port, directory, fleet, print: console.log });
  console.log(banner(stack));
  return stack;
}

// Signals are caught from the first moment: a Ctrl-C during the start must not leave parts of the stack behind.
const starting = start();
let ending = false;
// The parts have process groups of their own, so a terminal that is closed (SIGHUP) would leave them running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, async () => {
    if (ending) process.exit(1);
    ending = true;
    console.log('\nEnding; jobs in hand finish or go back to the queue. Ctrl-C again ends at once.');
    const stack = await starting.catch(() => undefined);
    await stack?.close();
    process.exit(0);
  });
}
starting.catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
