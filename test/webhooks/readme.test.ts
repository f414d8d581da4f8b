/** The receiver that the README shows, run as it stands: it takes what is signed with its secret, and nothing else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testPort } from '../port.ts';
import { useWebhooks } from './setup.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PORT = testPort(6215);
const open = useWebhooks();

it('takes an event under the secret it was given, also after a rotation, and not under another', async () => {
  const { running, succeed, handOver, secrets, rotate, deliveriesOf } = await open();
  const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
  const [, program = ''] = /```js\n(\/\/ receiver\.mjs.*?)\n```/s.exec(readme) ?? [];
  const { current } = await secrets();
  // Beside node_modules, where its import is found.
  const file = path.join(ROOT, 'node_modules/.cache', `receiver-${process.pid}.mjs`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, program);
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: String(PORT), WEBHOOK_SECRET: current },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()));
  onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
    await rm(file);
  });
  const url = `http://127.0.0.1:${PORT}/hook`;
  await expect
    .poll(
      () =>
        fetch(url, { method: 'POST' }).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 10_000 },
    )
    .toBe(401);

  const tell = async () => {
    const job = await running(url);
    await succeed(job);
    await handOver();
    const [delivery] = await deliveriesOf(job);
    return { id: job.id, delivery };
  };
  const first = await tell();
  expect(first.delivery).toMatchObject({ state: 'delivered' });
  await expect
    .poll(() => printed.join(''))
    .toBe(`${first.delivery?.delivery_id} job.succeeded ${first.id} succeeded\n`);
  await rotate();
  expect((await tell()).delivery).toMatchObject({ state: 'delivered' });
  await rotate();
  expect((await tell()).delivery).toMatchObject({ state: 'pending', attempts: [{ status: 401 }] });
});
