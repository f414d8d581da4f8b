/** Processes that must not outlive this one: each is ended by its own id, also where this process ends unexpectedly. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

const KEPT_CHARACTERS = 20_000;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Child {
  /** Resolves with the exit code, or with the signal that ended it. @throws Error where it could not be started */
  readonly ended: Promise<number | string>;
  /** The last it printed. */
  printed(): string;
  /** SIGTERM, and SIGKILL where it takes longer than `patienceMs`. */
  end(patienceMs: number): Promise<void>;
}

export function startChild(
  command: string,
  args: readonly string[],
  { cwd, env }: Pick<SpawnOptions, 'cwd' | 'env'>,
): Child {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-KEPT_CHARACTERS);
    });
  }
  const ended = once(child, 'exit')
    .then(([code, signal]) => (code ?? signal) as number | string)
    .finally(() => running.delete(child));
  // Whoever waits for it hears of it; nobody has to.
  ended.catch(() => {});
  return {
    ended,
    printed: () => printed,
    async end(patienceMs) {
      child.kill(patienceMs > 0 ? 'SIGTERM' : 'SIGKILL');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await ended.catch(() => {});
      clearTimeout(timer);
    },
  };
}
