/** Processes of a system: bound to cores, quiet unless they fail, ended with everything below them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { on } from './cores.ts';
import { send } from './http.ts';
import { endTree, killTree } from './process-tree.ts';

const READY_WITHIN_MS = 60_000;
const TAIL = 4_000;

export interface Command {
  readonly cores: string;
  readonly folder: string;
  readonly line: readonly string[];
  readonly environment?: Record<string, string>;
}

/** A bench that ends by a fault takes its processes with it. */
const living = new Set<Process>();
process.once('exit', () => {
  for (const each of living) each.kill();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export class Process {
  readonly #command: Command;
  #child: ChildProcess;
  #output = '';

  constructor(command: Command) {
    this.#command = command;
    this.#child = this.#spawn();
    living.add(this);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The last that it said. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  kill(): void {
    killTree([this.pid]);
  }

  startAgain(): void {
    this.#child = this.#spawn();
  }

  async close(): Promise<void> {
    await endTree([this.pid]);
    living.delete(this);
  }

  #spawn(): ChildProcess {
    const { cores, folder, line, environment } = this.#command;
    const [program = '', ...args] = [...on(cores), ...line];
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk).slice(-TAIL);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(String(error))));
    return child;
  }
}

/** @throws with what it said, where a process ends or does not answer in time */
export async function untilHealthy(url: string, processes: readonly Process[]): Promise<void> {
  const end = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answer = await send(url).catch(() => undefined);
    if (answer?.status === 200) return;
    const ended = processes.find(({ hasEnded }) => hasEnded);
    if (ended !== undefined || performance.now() > end) {
      throw new Error(`${url} does not answer:\n${(ended ?? processes.at(-1))?.output}`);
    }
    await sleep(100);
  }
}
