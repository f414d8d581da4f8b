/**
 * The bench's parts as processes of their own, so that the CPU of each is counted apart: one question, one answer,
 * over Node's own channel. A child must not live for its channel alone: it ends when the bench does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

interface Question {
  readonly id: number;
  readonly question: unknown;
}
interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 0;
  /** Rejects when the process ends. */
  readonly ended: Promise<never>;

  /**
   * @param args what follows `node`: flags, then the script
   * @param before what stands before `node`, such as a command that binds it to cores
   */
  constructor(
    args: readonly string[],
    environment: Record<string, string> = {},
    before: readonly string[] = [],
  ) {
    const [program = process.execPath, ...rest] = [...before, process.execPath, ...args];
    this.#process = spawn(program, rest, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#process.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.ended = once(this.#process, 'exit').then(([code, signal]) => {
      const error = `${args.join(' ')} ended with ${signal ?? code}`;
      for (const [id, settle] of this.#waiting) settle({ id, error });
      this.#waiting.clear();
      throw new Error(error);
    });
    // Whoever waits for an answer is told; a child that was asked to end is no error.
    this.ended.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async ask<T>(question: unknown): Promise<T> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    this.#process.send({ id, question } satisfies Question);
    const { answer, error } = await promise;
    if (error !== undefined) throw new Error(error);
    return answer as T;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

/** What a child does with the bench's questions. */
export function answerWith<T>(handle: (question: T) => unknown): void {
  process.on('message', async ({ id, question }: Question) => {
    const answer = await Promise.resolve()
      .then(() => handle(question as T))
      .then(
        (value): Answer => ({ id, answer: value }),
        (error: unknown): Answer => ({ id, error: error instanceof Error ? error.message : String(error) }),
      );
    process.send?.(answer);
  });
  process.on('disconnect', () => process.exit());
}
