/** An emulator of AWS services as a process on the loopback interface. It is ended by its own id, whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { untilAnswers } from '../local/until-answers.ts';

/** A Java machine on a busy two-core machine takes its time. */
const START_MS = 120_000;
const END_MS = 10_000;
const KEPT_CHARACTERS = 20_000;

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
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-KEPT_CHARACTERS);
    });
  }
  const url = `http://127.0.0.1:${port}`;
  const failed = Promise.race([
    once(child, 'error').then(([error]) => Promise.reject(error)),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`))),
  ]);
  failed.catch(() => {});
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const close = async () => {
    process.off('exit', kill);
    await end(child);
  };
  try {
    await Promise.race([untilAnswers(url, START_MS), failed]);
  } catch (error) {
    await close();
    throw new Error(`${name} did not start: ${error instanceof Error ? error.message : error}\n${printed}`);
  }
  return { name, url, close };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(timer);
}
