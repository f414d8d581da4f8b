/** The real worker as a process of its own, warm, for as long as some work takes. */
import path from 'node:path';
import { untilAnswers } from '../local/until-answers.ts';
import { Child } from './child.ts';

const script = (name: string) => path.join(import.meta.dirname, name);

interface WorkerOptions {
  /** Port of its metrics. */
  readonly port: string | undefined;
  /** Loaded before its own code. */
  readonly preloads?: readonly string[];
  readonly environment?: Record<string, string>;
}

export async function withWorker<T>(
  { port, preloads = [], environment = {} }: WorkerOptions,
  work: (worker: Child) => Promise<T>,
): Promise<T> {
  const imports = ['probe.ts', ...preloads].flatMap((name) => ['--import', script(name)]);
  const worker = new Child([...imports, script('../gpu-worker/main.ts')], environment);
  try {
    await Promise.race([untilAnswers(`http://127.0.0.1:${port}/health`), worker.ended]);
    return await work(worker);
  } finally {
    await worker.close();
  }
}
