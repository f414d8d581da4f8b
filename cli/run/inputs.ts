/** The pictures that a command line names: files, folders with all below them, globs and http(s) addresses. */
import { glob, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../exit-code.ts';

export interface Input {
  /** As it is shown to people. */
  readonly name: string;
  /** Absolute path of a file, or an address. */
  readonly source: string;
  readonly isUrl: boolean;
  /** Where the file lies below the folder that was named; results keep this structure. */
  readonly relative: string;
}

const PICTURE = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/**
 * @param outputFolder pictures below it are results and never inputs
 * @returns in the order of the arguments, each file once. @throws UsageError for an argument that names nothing.
 */
export async function findInputs(
  args: readonly string[],
  outputFolder: string | undefined,
): Promise<Input[]> {
  const found = new Map<string, Input>();
  for (const arg of args) {
    const inputs = await expand(arg);
    const wanted = inputs.filter(({ source }) => !isBelow(source, outputFolder));
    if (wanted.length === 0) throw new UsageError(`${arg} names no picture.`);
    for (const input of wanted) if (!found.has(input.source)) found.set(input.source, input);
  }
  return [...found.values()];
}

async function expand(arg: string): Promise<Input[]> {
  if (/^https?:\/\//i.test(arg)) {
    const { pathname } = new URL(arg);
    const relative = path.posix.basename(pathname) || 'picture';
    return [
      { name: arg, source: arg, isUrl: true, relative: decodeURIComponent(relative).replaceAll('/', '_') },
    ];
  }
  const seen = await stat(arg).catch(() => undefined);
  if (seen?.isFile()) return [fileInput(arg, path.basename(arg))];
  if (seen?.isDirectory()) return folderInputs(arg);
  const matches: string[] = [];
  for await (const match of glob(arg)) {
    if ((await stat(match)).isFile()) matches.push(match);
  }
  return matches.sort().map((match) => fileInput(match, path.basename(match)));
}

async function folderInputs(folder: string): Promise<Input[]> {
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => PICTURE.test(file))
    .sort()
    .map((file) => fileInput(path.join(folder, file), file));
}

const fileInput = (file: string, relative: string): Input => ({
  name: file,
  source: path.resolve(file),
  isUrl: false,
  relative,
});

const isBelow = (source: string, folder: string | undefined): boolean =>
  folder !== undefined && source.startsWith(path.resolve(folder) + path.sep);
