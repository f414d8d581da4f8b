import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/image/dockerfile.ts';
import { has, newFolder, onLinuxX64, run, script } from './folder.ts';

const gcc = onLinuxX64 && (await has('gcc', '--version'));
const COMMIT = 'git-commit-id=0123abc';

/** A shared library that is linked to others of the same folder. */
async function library(
  folder: string,
  name: string,
  needs: readonly string[] = [],
  text = '',
): Promise<void> {
  const source = path.join(folder, 'source.c');
  await writeFile(source, `const char text_${name.replaceAll(/\W/g, '_')}[] = "${text}";\n`);
  const links = needs.map((needed) => path.join(folder, needed));
  const linker = [`-Wl,-soname,${name}`, '-Wl,--no-as-needed'];
  const made = await run('gcc', [
    '-shared',
    '-fPIC',
    ...linker,
    '-o',
    path.join(folder, name),
    source,
    ...links,
  ]);
  expect(made.code, made.output).toBe(0);
  await rm(source);
}

describe.skipIf(!gcc)('proving that libraries resolve', () => {
  it('names the library that is missing and the one that wants it', async () => {
    const folder = await newFolder();
    await library(folder, 'libwanted.so.7');
    await library(folder, 'libwanting.so', ['libwanted.so.7']);
    await rm(path.join(folder, 'libwanted.so.7'));
    const { code, output } = await script('prove-libraries.sh', folder);
    expect(code).toBe(1);
    expect(output).toMatch(/libwanting\.so:\s+libwanted\.so\.7 => not found/);
    // Only that name, and only where it is said.
    expect((await script('prove-libraries.sh', '--but', 'libwanted.so.7', folder)).code).toBe(0);
    expect((await script('prove-libraries.sh', '--but', 'libwanted.so.1', folder)).code).toBe(1);
  });

  it('proves nothing about a folder without libraries', async () => {
    const { code, output } = await script('prove-libraries.sh', await newFolder());
    expect(code).toBe(1);
    expect(output).toContain('no library');
  });

  it('holds for the addons that the tests run with', async () => {
    const modules = path.join(ROOT, 'node_modules');
    const folders = ['@img', 'onnxruntime-node/bin/napi-v6/linux/x64'].map((name) =>
      path.join(modules, name),
    );
    const { code, output } = await script('prove-libraries.sh', process.execPath, ...folders);
    expect(output).toMatch(/^prove-libraries: \d+ libraries find all they need/);
    expect(code).toBe(0);
  });
});

/** What install-cuda.sh and npm would have made, in small. */
async function image() {
  const folder = await newFolder();
  const cuda = path.join(folder, 'cuda');
  const runtime = path.join(folder, 'runtime');
  const lib = path.join(cuda, 'lib');
  for (const made of [lib, runtime]) await mkdir(made, { recursive: true });
  await writeFile(path.join(cuda, 'build'), `${COMMIT}\n`);
  for (const name of ['libcudnn.so.9', 'libnvrtc.so.13', 'libcublas.so.13']) await library(lib, name);
  await library(runtime, 'libonnxruntime.so.1', [], `ORT Build Info: ${COMMIT}, build type=Release`);
  await library(runtime, 'libonnxruntime_providers_shared.so');
  // Linked to a driver that no image has.
  const build = path.join(folder, 'build');
  await cp(lib, build, { recursive: true });
  await library(build, 'libcuda.so.1');
  await library(build, 'libonnxruntime_providers_cuda.so', ['libcublas.so.13', 'libcuda.so.1']);
  const provider = 'libonnxruntime_providers_cuda.so';
  await cp(path.join(build, provider), path.join(runtime, provider));
  await rm(build, { recursive: true });
  return { cuda, runtime, lib, prove: () => script('prove-cuda.sh', cuda, runtime) };
}

describe.skipIf(!gcc)('proving CUDA', () => {
  it('passes where only the driver is missing', async () => {
    const { prove } = await image();
    const { code, output } = await prove();
    expect(output).toContain('6 libraries find all they need');
    expect(code).toBe(0);
  });

  it('fails with the name of a CUDA library that is missing', async () => {
    const { lib, prove } = await image();
    await rm(path.join(lib, 'libcublas.so.13'));
    const { code, output } = await prove();
    expect(code).toBe(1);
    expect(output).toContain('libcublas.so.13 => not found');
    expect(output).not.toContain('libcuda.so.1 =>');
  });

  it('fails without cuDNN, which nothing is linked to', async () => {
    const { lib, prove } = await image();
    await rm(path.join(lib, 'libcudnn.so.9'));
    const { code, output } = await prove();
    expect(code).toBe(1);
    expect(output).toContain('libcudnn.so.9 is missing');
  });

  it('fails where the provider was built from another commit', async () => {
    const { cuda, prove } = await image();
    await writeFile(path.join(cuda, 'build'), 'git-commit-id=fedcba9\n');
    const { code, output } = await prove();
    expect(code).toBe(1);
    expect(output).toContain('git-commit-id=fedcba9');
    expect(output).toContain(COMMIT);
  });
});
