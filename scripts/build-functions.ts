/**
 * Bundles every function of functions/ into .build/<name>.zip, as serverless.yml names them. The zip is
 * byte-identical for identical code, so a deploy that changed nothing uploads nothing.
 */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
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
  return Promise.all((await bundleAll(files)).map(zip));
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

/** What a function's zip holds: its own file, and those it loads late. */
interface Contents {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

async function bundleAll(names: readonly string[]): Promise<Contents[]> {
  const late = new Map<string, string>();
  const main = await bundle(
    names.map((file) => path.join(ROOT, 'functions', file)),
    (name, file) => late.set(name, file),
  );
  // In one order, whoever asked for them first: the zip of the same code has the same bytes.
  const parts = await bundle([...late.values()].sort());
  const nested = parts.find(({ late: further }) => further.length > 0);
  // It would look for the file in the wrong folder.
  if (nested !== undefined)
    throw new Error(`${nested.file} is loaded late and loads ${nested.late[0]} late.`);
  return main.map(({ file, contents, late: wanted }) => ({
    name: path.basename(file, '.cjs'),
    files: Object.fromEntries(
      [{ file, contents }, ...parts.filter((part) => wanted.includes(path.basename(part.file)))].map(
        (part, index) => [
          path.posix.join('functions', index === 0 ? '' : LATE, path.basename(part.file)),
          part.contents,
        ],
      ),
    ),
  }));
}

const LATE = 'late';

/**
 * What our files import late becomes a file of its own. Within one file esbuild wraps every module that is also reached by a
 * late import, and all it imports, in a function that runs when it is asked for: the SDK is then parsed twice and hardly any
 * of it left out. The SDK's own late import is of event streams, which nothing here uses.
 * @param found is told the name of each and its source, also of those that are left out in the end
 */
const lateImports = (found: (name: string, file: string) => void): Plugin => ({
  name: 'late imports',
  setup({ onResolve }) {
    onResolve({ filter: /^(\.|@smithy\/core\/event-streams$)/ }, ({ kind, path: name, resolveDir }) => {
      if (kind !== 'dynamic-import' || resolveDir.includes('node_modules') !== !name.startsWith('.'))
        return undefined;
      if (!name.startsWith('.')) return { path: name, external: true };
      const target = `${path.basename(name, '.ts')}.cjs`;
      found(target, path.join(resolveDir, name));
      return { path: `./${LATE}/${target}`, external: true };
    });
  },
});

interface Output {
  readonly file: string;
  readonly contents: Uint8Array;
  /** Names of the files it loads late. */
  readonly late: readonly string[];
}

/**
 * One file a function; the SDK is bundled, so that what was tested is what runs. A cold start loads it whole: CommonJS,
 * because an ES module that imports node:http makes Node load its whole fetch (a fifth of the time), and no names kept,
 * because that runs a call for every function there is (a tenth).
 */
async function bundle(
  entryPoints: readonly string[],
  foundLate: (name: string, file: string) => void = () => {},
): Promise<Output[]> {
  const { outputFiles, metafile } = await build({
    entryPoints: [...entryPoints],
    outdir: OUT,
    outExtension: { '.js': '.cjs' },
    absWorkingDir: ROOT,
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // A late import is a require too.
    supported: { 'dynamic-import': false },
    // The modules of a package, of which only what is used is bundled, before its CommonJS twin.
    mainFields: ['module', 'main'],
    external: OTHER_CREDENTIALS,
    legalComments: 'none',
    plugins: [lateImports(foundLate)],
  });
  return outputFiles.map(({ path: file, contents }) => {
    const { imports = [] } = metafile.outputs[path.relative(ROOT, file)] ?? {};
    const late = imports.map(({ path: name }) => name).filter((name) => name.startsWith(`./${LATE}/`));
    return { file, contents, late: late.map((name) => path.basename(name)) };
  });
}

async function zip({ name, files }: Contents): Promise<Bundle> {
  const archive = zipSync(
    Object.fromEntries(
      Object.entries(files).map(([file, contents]) => [file, [contents, { level: 6, mtime: EPOCH }]]),
    ),
  );
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
