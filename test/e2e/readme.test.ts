/** What the README shows, run as it stands against a stack of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../../local/stack.ts';
import { testPort } from '../port.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PORT = testPort(4900);
const run = promisify(execFile);

let stack: Stack;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'outboard-readme-'));
  await symlink(path.join(ROOT, 'test'), path.join(folder, 'test'));
  stack = await startStack({ port: PORT, directory: path.join(folder, 'data'), print: () => {} });
});

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The shell blocks of one section. */
async function commands(section: string): Promise<string[]> {
  const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
  const text = readme.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...text.matchAll(/```sh\n(.*?)\n```/gs)].map(([, command]) => command ?? '');
}

async function shell(command: string): Promise<string> {
  const here = command.replaceAll('127.0.0.1:3000', `127.0.0.1:${PORT}`);
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], { cwd: folder });
  return stdout;
}

describe('the README', () => {
  it('turns its photo into one four times larger, with its bicubic twin', async () => {
    const blocks = await commands('The first picture');
    expect(blocks).toHaveLength(1);
    for (const block of blocks) await shell(block);

    const input = await sharp(path.join(ROOT, 'test/fixtures/photo.jpg')).metadata();
    for (const name of ['enlarged.png', 'bicubic.png']) {
      const output = await sharp(path.join(folder, name)).metadata();
      expect([output.width, output.height]).toEqual([input.width * 4, input.height * 4]);
    }
    const job = JSON.parse(await readFile(path.join(folder, 'job.json'), 'utf8')) as { status: string };
    expect(job.status).toBe('succeeded');
  });

  it('starts jobs by request and by upload, as "The API" shows', async () => {
    const [inline, upload, listen, ...rest] = await commands('The API');
    expect(rest).toEqual([]);
    for (const block of [inline, upload]) {
      const answer = (await shell(block ?? '')).trim().split('\n').at(-1) ?? '';
      expect(JSON.parse(answer)).toMatchObject({ status: 'succeeded', output: { upscale_factor: 2 } });
    }
    expect(await shell(listen ?? '')).toContain('snapshot succeeded');
  });
});
