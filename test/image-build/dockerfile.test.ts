import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { workerAllocator } from '../../local/settings.ts';
import { contentTag } from '../../scripts/image/content-tag.ts';
import {
  baseImages,
  buildInputs,
  DOCKERFILE,
  ignoreRules,
  projectCopies,
  ROOT,
  readInstructions,
} from '../../scripts/image/dockerfile.ts';
import { settingsTable } from '../../shared/environment.ts';
import { has, newFolder, run } from './folder.ts';

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const dockerfile = read(DOCKERFILE);
const instructions = readInstructions(dockerfile);
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;

/** Everything the worker and its health check load from the project, and the packages they import. */
async function imported() {
  const entries = ['gpu-worker/main.ts', 'gpu-worker/healthcheck.ts'];
  const graph = async (entryPoints: string[]) => {
    const { metafile } = await build({
      entryPoints: entryPoints.map((file) => path.join(ROOT, file)),
      absWorkingDir: ROOT,
      outdir: 'unused',
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      packages: 'external',
    });
    return metafile;
  };
  // A worker thread's file is named by a URL, which a bundler does not follow.
  const first = Object.keys((await graph(entries)).inputs);
  const threads = first.flatMap((file) =>
    [...read(file).matchAll(/new URL\('([^']+\.ts)', import\.meta\.url\)/g)].map(([, name = '']) =>
      path.join(path.dirname(file), name),
    ),
  );
  const { inputs } = await graph([...entries, ...threads]);
  const externals = Object.values(inputs).flatMap(({ imports }) =>
    // The bundler's own helper is external too.
    imports
      .filter(({ external, path: name }) => external && name !== '<runtime>')
      .map(({ path: name }) => name),
  );
  return { files: Object.keys(inputs), threads, externals: [...new Set(externals)] };
}

describe('the Dockerfile', () => {
  it('starts only from images that are pinned by their digest', () => {
    expect(baseImages(instructions).map(({ argument }) => argument)).toEqual(['NODE_IMAGE', 'BASE_IMAGE']);
    const loose = dockerfile.replace(/@sha256:[0-9a-f]{64}/, '');
    expect(() => baseImages(readInstructions(loose))).toThrow('not pinned');
    expect(() => baseImages(readInstructions(`${dockerfile}\nFROM alpine:3`))).toThrow('FROM alpine:3');
  });

  it('sets the allocator as the local stack does', () => {
    const environment = Object.fromEntries(
      [...dockerfile.matchAll(/^(?:ENV| ) *(MALLOC_\w+)=(\S+)/gm)].map(([, name, value]) => [name, value]),
    );
    expect(environment).toEqual(workerAllocator);
  });

  it('runs the Node.js that the tests ran', () => {
    expect(baseImages(instructions)[0]?.reference).toContain(`node:${manifest.devDependencies?.node}-`);
  });

  it('copies every file that the worker imports', async () => {
    const { files, threads } = await imported();
    expect(threads).toContain('gpu-worker/inference/device-thread.ts');
    expect(files.length).toBeGreaterThan(50);
    const isSent = ignoreRules(read('.dockerignore'));
    const copied = projectCopies(instructions).filter(({ stage }) => stage === 'cpu');
    const forgotten = files.filter(
      (file) =>
        !isSent(file) || !copied.some(({ source }) => file === source || file.startsWith(`${source}/`)),
    );
    expect(forgotten).toEqual([]);
  });

  it('puts what it copies where the sources look for each other', () => {
    const copied = projectCopies(instructions).filter(({ stage }) => stage === 'cpu');
    for (const { source, target } of copied) {
      expect(target).toBe(source.includes('.') ? './' : `./${source}`);
    }
  });

  it('installs every package that the worker imports', async () => {
    const names = (await imported()).externals
      .filter((name) => !name.startsWith('node:'))
      .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0]);
    expect(names).toContain('sharp');
    const missing = names.filter((name) => manifest.dependencies?.[name ?? ''] === undefined);
    expect(missing).toEqual([]);
  });

  it('needs no process that reaps others: only the reader of GPU memory starts one, and Node waits for its own', async () => {
    const starters = (await imported()).files.filter((file) => read(file).includes('node:child_process'));
    expect(starters).toEqual(['gpu-worker/device-memory.ts']);
  });

  it('sets only variables that are documented or that others define', () => {
    const outboard = [...dockerfile.matchAll(/\b(OUTBOARD_\w+)=/g)].map(([, name]) => name);
    expect(outboard.length).toBeGreaterThan(2);
    const known = settingsTable().map(({ name }) => name);
    expect(outboard.filter((name) => !known.includes(name ?? ''))).toEqual([]);
  });

  it('takes the CUDA provider of the onnxruntime that package.json names', () => {
    const [, version] = /^onnxruntime-gpu==(\S+)/m.exec(read('scripts/image/cuda-requirements.txt')) ?? [];
    expect(version).toBe(manifest.dependencies?.['onnxruntime-node']);
  });
});

describe('what the build can see', () => {
  it('is what the Dockerfile names, and nothing private', () => {
    const inputs = buildInputs();
    expect(inputs).toContain('gpu-worker/main.ts');
    expect(inputs).toContain('scripts/image/install-cuda.sh');
    const isSent = ignoreRules(read('.dockerignore'));
    for (const file of ['.env', 'node_modules/sharp/package.json', 'models/aliases.json', 'test/port.ts']) {
      expect(isSent(file), file).toBe(false);
    }
    expect(inputs.every((file) => existsSync(path.join(ROOT, file)))).toBe(true);
  });

  it('names the image: one changed byte makes another tag, and nothing else does', async () => {
    expect(contentTag('cuda')).toMatch(/^content-cuda-[0-9a-f]{20}$/);
    expect(contentTag('cuda')).toBe(contentTag('cuda'));
    expect(contentTag('cpu')).not.toBe(contentTag('cuda'));
    const folder = await newFolder();
    const tags = [];
    for (const text of ['one', 'two', 'one']) {
      await writeFile(path.join(folder, 'file'), text);
      tags.push(contentTag('cpu', ['file'], folder));
    }
    expect(tags[0]).toBe(tags[2]);
    expect(tags[0]).not.toBe(tags[1]);
  });
});

describe('linters', async () => {
  const hadolint = await has('hadolint', '--version');
  it.skipIf(!hadolint)('hadolint finds nothing in the Dockerfile', async () => {
    expect(await run('hadolint', [DOCKERFILE])).toEqual({ code: 0, output: '' });
  });

  const shellcheck = await has('shellcheck', '--version');
  it.skipIf(!shellcheck)('shellcheck finds nothing in the scripts', async () => {
    const scripts = buildInputs().filter((file) => file.endsWith('.sh'));
    expect(scripts.length).toBeGreaterThan(3);
    expect(await run('shellcheck', scripts)).toEqual({ code: 0, output: '' });
  });
});
