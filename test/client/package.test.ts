/** The client as others get it: packed, installed in a project of its own, typed, and small. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CLIENT = path.join(ROOT, 'client');
const TSC = path.join(ROOT, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

let folder: string;
let packed: { filename: string; files: { path: string }[] };

/** Packed from a copy, so that no test writes into the checkout. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'outboard-client-'));
  const copy = path.join(folder, 'client');
  await mkdir(copy);
  for (const file of ['package.json', 'README.md']) await cp(path.join(CLIENT, file), path.join(copy, file));
  await run(process.execPath, [TSC, '-p', CLIENT, '--outDir', path.join(copy, 'dist')]);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: copy });
  [packed] = JSON.parse(stdout);
  await writeFile(path.join(folder, 'package.json'), '{"type": "module", "private": true}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${packed.filename}`], {
    cwd: folder,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('holds the compiled client, its types and its README, and depends on nothing', async () => {
    const files = packed.files.map((file) => file.path);
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'README.md', 'dist/outboard.js', 'dist/outboard.d.ts']),
    );
    expect(
      files.filter((file) => !/^(package\.json|README\.md|dist\/[a-z-]+\.(js|d\.ts))$/.test(file)),
    ).toEqual([]);
    const manifest = JSON.parse(await readFile(path.join(CLIENT, 'package.json'), 'utf8'));
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual([]);
  });

  it('is imported by Node under its name', async () => {
    const program = `import { Outboard, hasEnded } from '@outboard/client';
      const outboard = new Outboard({ endpoint: 'http://127.0.0.1:9', apiKey: 'x', retries: 0 });
      await outboard.models.list().catch((error) => console.log(error.name, hasEnded({ status: 'failed' })));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
    expect(stdout.trim()).toBe('OutboardConnectionError true');
  });

  it('is typed for a page that knows no Node', async () => {
    const page = `import { Outboard } from '@outboard/client';
      declare const file: File;
      const outboard = new Outboard({ endpoint: 'https://stage.example', apiKey: 'x' });
      const { output } = await outboard.run('super-resolution', file, { upscale_factor: 2 });
      export const address: string = output.sr_image_url;
      // @ts-expect-error: x3 is not among the factors
      void outboard.run('super-resolution', file, { upscale_factor: 3 });`;
    await writeFile(path.join(folder, 'page.ts'), page);
    const options = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--lib',
      'es2022,dom',
    ];
    const compiled = await run(process.execPath, [TSC, ...options, '--types', '', 'page.ts'], {
      cwd: folder,
    }).catch((error: { stdout: string }) => error);
    expect(compiled.stdout).toBe('');
  });

  it('takes no more of a page than its README says', async () => {
    const bundle = await build({
      stdin: { contents: "export * from '@outboard/client'", resolveDir: folder },
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    });
    const kilobytes = gzipSync(bundle.outputFiles[0]?.contents ?? '').byteLength / 1000;
    const readme = await readFile(path.join(CLIENT, 'README.md'), 'utf8');
    const [, stated] = /under (\d+) kB/.exec(readme) ?? [];
    expect(kilobytes).toBeGreaterThan(1);
    expect(kilobytes).toBeLessThan(Number(stated));
  });
});
