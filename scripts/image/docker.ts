/** The docker command. Every call names a new process; nothing is read from a shell. */
import { spawn } from 'node:child_process';
import { ROOT } from './dockerfile.ts';

/**
 * Runs docker and shows what it prints.
 * @param input written to its standard input
 * @returns what it wrote to its standard output, where `quiet`
 * @throws where docker is missing or ends with an error
 */
export async function docker(
  args: readonly string[],
  { input, quiet = false }: { input?: string; quiet?: boolean } = {},
): Promise<string> {
  const child = spawn('docker', args, {
    cwd: ROOT,
    stdio: [input === undefined ? 'ignore' : 'pipe', quiet ? 'pipe' : 'inherit', 'inherit'],
  });
  child.stdin?.end(input);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => {
      const missing =
        'There is no docker command here. Install Docker with its buildx plugin, or let CI build.';
      reject(error.code === 'ENOENT' ? new Error(missing, { cause: error }) : error);
    });
  });
  if (code !== 0) throw new Error(`docker ${args.slice(0, 2).join(' ')} ended with code ${code}.`);
  return output;
}
