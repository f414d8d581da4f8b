/** A stack that is killed, as no handler can notice, leaves no part behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const PART = path.resolve(import.meta.dirname, '../../local/part.ts');
/** Starts a part that would run for ever, in a group of its own, and says which process that is. */
const STACK = `
  import { spawn } from 'node:child_process';
  const { endWithParent } = await import(${JSON.stringify(PART)});
  const part = spawn(process.execPath, [...endWithParent, '-e', 'setInterval(() => {}, 1000); console.log("up")'], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    detached: true,
  });
  part.stdout.once('data', () => console.log(part.pid));
`;

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('ends every part when the stack is killed', async () => {
  const stack = spawn(process.execPath, ['--input-type=module', '-e', STACK], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(stack.stdout, 'data')) as [Buffer];
  const part = Number(line);
  onTestFinished(() => {
    if (lives(part)) process.kill(part, 'SIGKILL');
  });
  expect(lives(part)).toBe(true);
  stack.kill('SIGKILL');
  await expect.poll(() => lives(part), { timeout: 10_000 }).toBe(false);
});
