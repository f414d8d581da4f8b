/**
 * Bundles every function of functions/ into .build/<name>.zip, as serverless.yml names them. The zip is
 * byte-identical for identical code, so a deploy that changed nothing uploads nothing.
 */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type OutputFile } from 'esbuild';
import { zipSync } from 'fflate';

const ROOT = path.resolve(import.meta.dirname, '..');
const OUT = path.join(ROOT, '.build');
/** The oldest time a zip can hold. */
const EPOCH = new Date(1980, 0, 1);

export interface Bundle {
  readonly name: string;
  readonly zipBytes: number;
}

export async function buildFunctions(): Promise<Bundle[]> {
  const files = (await readdir(path.join(ROOT, 'functions'))).filter((file) => file.endsWith('.ts'));
  await mkdir(OUT, { recursive: true });
  return Promise.all((await bundle(files)).map(zip));
}

/** One ES module a function; the SDK is bundled, so that what was tested is what runs. */
async function bundle(files: readonly string[]): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    entryPoints: files.map((file) => path.join(ROOT, 'functions', file)),
    outdir: OUT,
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    // Some dependencies are CommonJS and ask for Node's own modules by require.
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  });
  return outputFiles;
}

async function zip({ path: file, contents }: OutputFile): Promise<Bundle> {
  const name = path.basename(file, '.mjs');
  const archive = zipSync({ [`functions/${name}.mjs`]: [contents, { level: 6, mtime: EPOCH }] });
  // In one step: a running local stack reads these files when a function is first called.
  const part = path.join(OUT, `${name}.${process.pid}.part`);
  await writeFile(part, archive);
  await rename(part, path.join(OUT, `${name}.zip`));
  return { name, zipBytes: archive.byteLength };
}

if (import.meta.main) {
  for (const { name, zipBytes } of await buildFunctions()) {
    console.log(`${name.padEnd(16)} ${(zipBytes / 1024).toFixed(0).padStart(5)} KiB`);
  }
}
