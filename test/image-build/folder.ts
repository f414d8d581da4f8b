/** A folder of one test, gone after it; and a command that is run in it to its end. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { ROOT } from '../../scripts/image/dockerfile.ts';

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'outboard-image-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ended {
  readonly code: number | null;
  /** Standard output and error, as they came. */
  readonly output: string;
}

export async function run(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', reject);
  });
  return { code, output };
}

/** One of the build's shell scripts. */
export const script = (name: string, ...args: readonly string[]): Promise<Ended> =>
  run('bash', [path.join(ROOT, 'scripts/image', name), ...args]);

/** Whether a command can be run at all, so that a test without it is skipped where everybody sees it. */
export const has = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    ({ code }) => code === 0,
    () => false,
  );

/** The image is for this platform, and so are the libraries that the tests look at. */
export const onLinuxX64 = process.platform === 'linux' && process.arch === 'x64';
