/** Scratch folders: each belongs to a process, and goes with it at the latest when the next one starts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { newScratchFolder, scratchBytes, sweepScratch } from '../../gpu-worker/scratch.ts';

const SCRATCH = path.resolve(import.meta.dirname, '../../gpu-worker/scratch.ts');

async function setup() {
  const root = await mkdtemp(path.join(tmpdir(), 'outboard-scratch-'));
  onTestFinished(() => rm(root, { recursive: true }));
  /** A process that makes a folder with a file in it and then waits. */
  async function other() {
    const script = `
      const { newScratchFolder } = await import(${JSON.stringify(SCRATCH)});
      const folder = await newScratchFolder(${JSON.stringify(root)}, 'job');
      const { writeFileSync } = await import('node:fs');
      writeFileSync(folder + '/picture.v', 'pixels');
      console.log('made');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  }
  return { root, other };
}

it('removes what a killed process left, and nothing of one that lives', async () => {
  const { root, other } = await setup();
  const [killed, alive] = [await other(), await other()];
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  const own = await newScratchFolder(root, 'job');
  expect(await readdir(root)).toHaveLength(3);
  expect(await sweepScratch(root)).toBe(1);
  const left = await readdir(root);
  expect(left).toHaveLength(2);
  expect(left).toContain(path.basename(own));
  expect(left.some((name) => name.includes(`@${alive.pid}@`))).toBe(true);
  alive.kill('SIGKILL');
  await once(alive, 'exit');
  expect(await sweepScratch(root)).toBe(1);
});

it('knows a process by its start too, because its number comes again', async () => {
  const { root } = await setup();
  const own = path.basename(await newScratchFolder(root, 'job'));
  const [host, pid] = own.split('@');
  await mkdir(path.join(root, `${host}@${pid}@1@job-abcdef`));
  await sweepScratch(root);
  expect(await readdir(root)).toEqual([own]);
});

it('leaves alone what is not its own', async () => {
  const { root } = await setup();
  await mkdir(path.join(root, 'elsewhere@1@1@job-abcdef'));
  await writeFile(path.join(root, 'a-file'), '');
  expect(await sweepScratch(root)).toBe(0);
  expect(await readdir(root)).toHaveLength(2);
});

it('plans with less than the disk has free', async () => {
  const { root } = await setup();
  expect(await scratchBytes(root)).toBeGreaterThan(0);
});
