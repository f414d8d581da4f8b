/** The `outboard` command as a real process, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export const COMMAND = path.resolve(import.meta.dirname, '../../cli/outboard.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Once stderr has this. */
  said(text: string | RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** An empty folder with files in it, and a command that runs there against a stage. */
export async function workplace(endpoint: string, files: Readonly<Record<string, Uint8Array>> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'outboard-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const pictures = path.join(folder, 'work');
  const place = async (name: string, bytes: Uint8Array | string) => {
    const file = path.join(pictures, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  };
  await place('.keep', '');
  for (const [name, bytes] of Object.entries(files)) await place(name, bytes);
  const environment = {
    ...process.env,
    OUTBOARD_ENDPOINT: endpoint,
    OUTBOARD_API_KEY: 'outboard-local',
    XDG_STATE_HOME: path.join(folder, 'state'),
  };

  /** @param program what runs, before the arguments */
  function start(args: readonly string[], program = [process.execPath, COMMAND]): Running {
    const [executable = '', ...first] = program;
    const child = spawn(executable, [...first, ...args], {
      cwd: pictures,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const ended = once(child, 'close').then(([code]): Ended => ({ code, stdout, stderr }));
    const said = async (text: string | RegExp) => {
      while (!(typeof text === 'string' ? stderr.includes(text) : text.test(stderr))) {
        await Promise.race([once(child.stderr, 'data'), ended]);
        if (child.exitCode !== null && stderr.search(text) < 0)
          throw new Error(`It ended without a word of ${text}:\n${stderr}`);
      }
    };
    return { child, said, ended };
  }

  return {
    folder: pictures,
    state: environment.XDG_STATE_HOME,
    place,
    start,
    outboard: (...args: string[]): Promise<Ended> => start(args).ended,
  };
}
