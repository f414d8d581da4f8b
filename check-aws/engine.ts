/** An emulator of AWS services as a process on the loopback interface. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { untilAnswers } from '../local/until-answers.ts';
import { startChild } from './child-processes.ts';

/** A Java machine on a busy two-core machine takes its time. */
const START_MS = 120_000;
const END_MS = 10_000;

export interface Engine {
  readonly name: string;
  readonly url: string;
  close(): Promise<void>;
}

interface EngineOptions {
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Record<string, string>;
}

/** @throws Error with the last the process printed, where it ends or stays silent */
export async function startEngine({
  name,
  port,
  command,
  args,
  environment,
}: EngineOptions): Promise<Engine> {
  await refuseBusyPort(port);
  const child = startChild(command, args, { env: { ...process.env, ...environment } });
  const url = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([
      untilAnswers(url, START_MS),
      child.ended.then((code) => Promise.reject(new Error(`it ended with ${code}`))),
    ]);
  } catch (error) {
    await child.end(END_MS);
    const why = error instanceof Error ? error.message : error;
    throw new Error(`${name} did not start: ${why}\n${child.printed()}`);
  }
  return { name, url, close: () => child.end(END_MS) };
}

/** Whoever has it already would be taken for the engine. */
async function refuseBusyPort(port: number): Promise<void> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch(() => {
    throw new Error(`port ${port} is in use; choose another with --port`);
  });
  server.close();
  await once(server, 'close');
}
