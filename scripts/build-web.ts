/**
 * Builds the page of web/ into .build/web/<hash>. The hash is over what goes in, so a start that changed nothing builds
 * nothing, and two checkouts' or tests' builds at once cannot see half of each other's files.
 */
import { createHash } from 'node:crypto';
import { access, glob, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const OUT = path.join(ROOT, '.build/web');
/** Whatever changes the output. */
const INPUTS = [
  'web/**/*.*',
  'client/*.ts',
  'scripts/build-web.ts',
  'node_modules/{vite,preact,@preact/signals}/package.json',
];

/** @returns the folder with index.html and all it needs. */
export async function buildWeb(): Promise<string> {
  const folder = path.join(OUT, await inputHash());
  const done = await access(path.join(folder, 'index.html')).then(
    () => true,
    () => false,
  );
  if (!done) await build(folder);
  return folder;
}

async function inputHash(): Promise<string> {
  const hash = createHash('sha256');
  const files: string[] = [];
  for await (const file of glob(INPUTS, { cwd: ROOT })) files.push(file);
  for (const file of files.sort()) hash.update(`${file}\0`).update(await readFile(path.join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

async function build(folder: string): Promise<void> {
  // Loaded where it is needed: the bundler costs a start that needs no build half a second.
  const vite = await import('vite');
  const part = `${folder}.${process.pid}.part`;
  await mkdir(OUT, { recursive: true });
  await vite.build({
    root: path.join(ROOT, 'web'),
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: part,
      emptyOutDir: true,
      target: 'es2022',
      // One script: nothing to preload, and no inline data that the policy would have to allow.
      modulePreload: false,
      assetsInlineLimit: 0,
    },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  });
  // In one step. Whoever built the same thing at the same time was faster: theirs is as good.
  await rename(part, folder).catch(() => rm(part, { recursive: true, force: true }));
}

if (import.meta.main) console.log(path.relative(process.cwd(), await buildWeb()));
