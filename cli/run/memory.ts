/**
 * What earlier runs of the same command started, so that a run after Ctrl-C, or after a crash, finds its jobs and pays for
 * nothing twice. One small file for each picture in the user's state folder, named by the key of the question: the same
 * picture, model, parameters and output.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Remembered {
  /** Of a picture too large for a request; written before the job is asked for, so the request can be repeated. */
  readonly upload_id?: string;
  readonly job?: string;
  /** Noted before the outputs are written: files under their names are this question's, and whole. */
  readonly writes?: boolean;
}

/** Rows of jobs and uploaded files live no longer than this. */
const FORGET_AFTER_MS = 8 * 24 * 3600 * 1000;

export class Memory {
  readonly #folder: string;

  /** @param folder of this program in the user's state folder */
  constructor(folder: string) {
    this.#folder = path.join(folder, 'runs');
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      const file = path.join(this.#folder, name);
      const seen = await stat(file).catch(() => undefined);
      if (seen !== undefined && Date.now() - seen.mtimeMs > FORGET_AFTER_MS) await rm(file, { force: true });
    }
  }

  async recall(key: string): Promise<Remembered> {
    const text = await readFile(this.#file(key), 'utf8').catch(() => '{}');
    return JSON.parse(text);
  }

  /** In one step, so that a crash leaves the old text or the new one. */
  async remember(key: string, remembered: Remembered): Promise<void> {
    const part = `${this.#file(key)}.${randomUUID()}`;
    await writeFile(part, JSON.stringify(remembered));
    await rename(part, this.#file(key));
  }

  #file(key: string): string {
    return path.join(this.#folder, `${key}.json`);
  }
}

/** The folder for what a program keeps between runs, by the XDG rules. */
export const stateFolder = (
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string => path.join(environment.XDG_STATE_HOME || path.join(home, '.local/state'), 'outboard');

/** The same parts, in the same order, always give the same key; a job's Idempotency-Key is made of it. */
export const questionKey = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** SHA-256 of a file's bytes. */
export async function contentHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
