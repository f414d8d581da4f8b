/** moto's server on a port of its own: an AWS account in memory, where Python has it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { untilAnswers } from '../../local/until-answers.ts';

const PROGRAM = 'moto_server';

/** Tests against it skip where this is false. */
export const hasMoto = spawnSync(PROGRAM, ['--help']).error === undefined;

export async function startMoto(port: number): Promise<{ url: string; close(): Promise<void> }> {
  const child = spawn(PROGRAM, ['--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/moto-api/`);
  return {
    url,
    async close() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
