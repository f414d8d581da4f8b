/**
 * The worker as a child process that is started anew whenever it ends: what ECS does for it in a stage. Crashing is
 * its way out of trouble, so a crash here must look as it does there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { endWithParent } from './part.ts';
import { printOutput } from './process-output.ts';
import { HOST, workerAllocator } from './settings.ts';
import { untilAnswers } from './until-answers.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const RESTART_AFTER_MS = 500;

interface WorkerOptions {
  readonly environment: Record<string, string>;
  /** Waited for until it answers; without it the process may still be starting. */
  readonly metricsPort?: number;
  readonly print: (line: string) => void;
}

export interface WorkerProcess {
  /** The process of this moment. */
  readonly pid: number | undefined;
  /** Ends with SIGTERM: running jobs finish or go back to the queue. */
  close(): Promise<void>;
}

export async function startWorker({
  environment,
  metricsPort,
  print,
}: WorkerOptions): Promise<WorkerProcess> {
  let child: ChildProcess;
  let closing = false;
  const start = () => {
    child = spawn(process.execPath, [...endWithParent, path.join(ROOT, 'gpu-worker/main.ts')], {
      cwd: ROOT,
      env: { ...workerAllocator, ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    printOutput('worker', child, print, () => true);
    child.once('exit', (code, signal) => {
      if (closing) return;
      print(`worker  ended (${signal ?? code}); starting it again`);
      setTimeout(() => closing || start(), RESTART_AFTER_MS);
    });
  };
  start();
  // A process of its own group outlives this one, where that ends without closing it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const worker: WorkerProcess = {
    get pid() {
      return child.pid;
    },
    async close() {
      closing = true;
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
  try {
    if (metricsPort !== undefined) await untilAnswers(`http://${HOST}:${metricsPort}/health`);
  } catch (error) {
    await worker.close();
    throw error;
  }
  return worker;
}
