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

/**
 * Where credentials come from on laptops and other machines. Lambda hands its own over in the environment, where they
 * are looked for first, so these are never loaded there.
 */
const OTHER_CREDENTIALS = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
];

/**
 * One file a function; the SDK is bundled, so that what was tested is what runs. A cold start loads it whole: CommonJS,
 * because an ES module that imports node:http makes Node load its whole fetch (a fifth of the time), and no names kept,
 * because that runs a call for every function there is (a tenth).
 */
async function bundle(files: readonly string[]): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    entryPoints: files.map((file) => path.join(ROOT, 'functions', file)),
    outdir: OUT,
    outExtension: { '.js': '.cjs' },
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The modules of a package, of which only what is used is bundled, before its CommonJS twin.
    mainFields: ['module', 'main'],
    external: OTHER_CREDENTIALS,
    legalComments: 'none',
  });
  return outputFiles;
}

async function zip({ path: file, contents }: OutputFile): Promise<Bundle> {
  const name = path.basename(file, '.cjs');
  const archive = zipSync({ [`functions/${name}.cjs`]: [contents, { level: 6, mtime: EPOCH }] });
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
