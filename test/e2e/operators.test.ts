/** The operators' commands as real processes against a real stack. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { OutboardError } from '../../shared/errors.ts';
import { setup } from './setup.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const photo = await readFile(path.join(ROOT, 'test/fixtures/photo-small.png'));
const { submit, ended, job, ports, jobs } = setup(5200);

/** Runs the command line. @returns what it printed and its exit code */
async function outboard(...args: string[]) {
  const file = path.join(ROOT, 'cli/outboard.ts');
  const run = promisify(execFile)(process.execPath, [file, ...args, '--port', String(ports.api)]);
  return run.then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      stdout: error.stdout + error.stderr,
    }),
  );
}

it('finds the local stack well', async () => {
  const { code, stdout } = await outboard('doctor', '--json');
  expect(code).toBe(0);
  const findings = JSON.parse(stdout) as { check: string; verdict: string; says: string }[];
  expect(findings.map(({ check }) => check)).toContain('models');
  expect(findings.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
});

it('says so where there is nothing to redrive', async () => {
  expect(await outboard('redrive')).toMatchObject({ code: 0, stdout: 'There is nothing to redrive.\n' });
});

it('shows what the stage gave up on, asks first, and then runs just that again', async () => {
  const image_base64 = photo.toString('base64');
  const lost = await submit({ image_base64 });
  const broken = await submit({ image_base64: Buffer.from('GIF89a broken').toString('base64') });
  await ended(lost.id);
  await ended(broken.id);
  const row = await jobs.get(lost.id);
  const gaveUp = new OutboardError('attempts_exhausted').toPublic();
  // As the dead-letter function leaves a job whose message came back too often.
  await jobs.erase(lost.id);
  if (row === undefined) throw new Error('no row');
  const { output, timings, ...rest } = row;
  await jobs.create({ ...rest, status: 'failed', error: gaveUp });

  const asked = await outboard('redrive');
  expect(asked.stdout).toContain(`job      ${lost.id}`);
  expect(asked.stdout).toContain('attempts_exhausted');
  expect(asked.stdout).not.toContain(broken.id);
  expect(asked.stdout).toContain('Nothing was changed.');
  expect(await job(lost.id)).toMatchObject({ status: 'failed' });

  expect((await outboard('redrive', '--yes')).stdout).toContain('Queued again: 1.');
  expect(await ended(lost.id)).toMatchObject({ status: 'succeeded' });
  expect(await job(broken.id)).toMatchObject({ status: 'failed' });
});
