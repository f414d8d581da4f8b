/**
 * API Gateway and Lambda on one machine: serverless-offline in a child process, reading the real serverless.yml,
 * behind the local gateway.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startGateway } from './gateway.ts';
import type { Page } from './page.ts';
import { endWithParent } from './part.ts';
import { printOutput } from './process-output.ts';
import { HOST, portsFrom, STAGE } from './settings.ts';
import { untilAnswers } from './until-answers.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const SERVERLESS = path.join(ROOT, 'node_modules/serverless/bin/serverless.js');

interface ApiOptions {
  readonly port: number;
  readonly environment: Record<string, string>;
  readonly print: (line: string) => void;
  /** What is served beside the API. */
  readonly page: Page;
}

export async function startApi({
  port,
  environment,
  print,
  page,
}: ApiOptions): Promise<{ url: string; close(): Promise<void> }> {
  const ports = portsFrom(port);
  const flags = {
    stage: STAGE,
    host: HOST,
    httpPort: ports.functions,
    lambdaPort: ports.lambda,
    websocketPort: ports.websocket,
    albPort: ports.alb,
    // An idle function stays loaded: the first request after a pause should not wait for it.
    terminateIdleLambdaTime: 3600,
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // The script itself, not npx: ending npx leaves its child running.
  const child = spawn(
    process.execPath,
    [...endWithParent, SERVERLESS, 'offline', 'start', ...args, '--noPrependStageInUrl', '--noSponsor'],
    {
      cwd: ROOT,
      env: { ...process.env, ...environment, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C reaches the whole process group; the stack decides the order in which its parts end.
      detached: true,
    },
  );
  printOutput('api', child, print, (line) => /^(×|Error|.*EADDRINUSE)/.test(line));
  const exited = once(child, 'exit');
  // A process of its own group outlives this one, where that ends without closing it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const end = async () => {
    child.kill('SIGINT');
    const timer = setTimeout(kill, 5_000);
    await exited;
    clearTimeout(timer);
    process.off('exit', kill);
  };
  try {
    await Promise.race([
      untilAnswers(`http://${HOST}:${ports.functions}/v1/openapi.json`),
      exited.then(([code]) => {
        throw new Error(`The API did not start (exit code ${code}).`);
      }),
    ]);
    const gateway = await startGateway({ port: ports.api, upstreamPort: ports.functions, page });
    return {
      url: gateway.url,
      async close() {
        await gateway.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
