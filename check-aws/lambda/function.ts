/**
 * One function as Lambda runs it: its zip unpacked into an empty folder, far from any node_modules, a process with no
 * environment but the function's, fed through the runtime API.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { startChild } from '../child-processes.ts';
import { startRuntimeApi } from './runtime-api.ts';

const BOOTSTRAP = path.join(import.meta.dirname, 'bootstrap.ts');

interface FunctionOptions {
  readonly zip: string;
  /** `functions/create-job.handler` */
  readonly handler: string;
  readonly name: string;
  /** Milliseconds from an event to its answer. */
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
}

export interface LambdaFunction {
  /** @throws Error with what the handler threw, why it could not be loaded, or that it took too long */
  invoke(event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export async function startFunction(options: FunctionOptions): Promise<LambdaFunction> {
  const { zip, handler, name, timeoutMs, environment } = options;
  const folder = await unpack(zip);
  const api = await startRuntimeApi(`arn:aws:lambda:us-east-1:123456789012:function:${name}`);
  const child = startChild(process.execPath, [BOOTSTRAP], {
    cwd: folder,
    env: {
      ...environment,
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_NAME: name,
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: handler,
    },
  });
  child.ended.then((code) => api.fail(new Error(`${name} ended (${code}).\n${child.printed()}`)));
  return {
    async invoke(event) {
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => timeout.reject(new Error(`${name} did not answer within ${timeoutMs} ms.\n${child.printed()}`)),
        timeoutMs,
      );
      return Promise.race([api.invoke(event, timeoutMs), timeout.promise]).finally(() => clearTimeout(timer));
    },
    async close() {
      await child.end(0);
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @returns the folder, for the caller to erase */
async function unpack(zip: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'outboard-lambda-'));
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(zip)))) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  return folder;
}
