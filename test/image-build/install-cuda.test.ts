import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { has, newFolder, script } from './folder.ts';

const pip = await has('python3', '-m', 'pip', '--version');

/** A wheel: a zip whose RECORD names its files. */
async function wheel(
  folder: string,
  name: string,
  tag: string,
  files: Record<string, string>,
): Promise<string> {
  const info = `${name}-1.0.dist-info`;
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name.replaceAll('_', '-')}\nVersion: 1.0\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: ${tag}\n`,
  };
  all[`${info}/RECORD`] = [...Object.keys(all), `${info}/RECORD`].map((file) => `${file},,`).join('\n');
  const bytes = zipSync(Object.fromEntries(Object.entries(all).map(([file, text]) => [file, strToU8(text)])));
  await writeFile(path.join(folder, `${name}-1.0-${tag}.whl`), bytes);
  return createHash('sha256').update(bytes).digest('hex');
}

/** Two small wheels of the shape of the real ones, and the requirements that pin them. */
async function setup() {
  const folder = await newFolder();
  const onnxruntime = await wheel(folder, 'onnxruntime_gpu', 'cp312-cp312-manylinux_2_28_x86_64', {
    'onnxruntime/capi/libonnxruntime_providers_cuda.so': 'cuda',
    'onnxruntime/capi/libonnxruntime_providers_shared.so': 'shared',
    'onnxruntime/capi/libonnxruntime_providers_tensorrt.so': 'tensorrt',
    'onnxruntime/capi/libonnxruntime.so.1.0': 'ORT Build Info: git-commit-id=0123abc, build type=Release',
  });
  const cublas = await wheel(folder, 'nvidia_cublas', 'py3-none-manylinux_2_27_x86_64', {
    'nvidia/cu13/lib/libcublas.so.13': 'cublas',
    'nvidia/cu13/lib/libnvblas.so.13': 'nvblas',
    'nvidia/cu13/include/cublas.h': '',
  });
  const requirements = path.join(folder, 'requirements.txt');
  const pin = async (hashes: Record<string, string>) => {
    const lines = Object.entries(hashes).map(([name, sha256]) => `${name}==1.0 --hash=sha256:${sha256}`);
    await writeFile(requirements, ['--no-index', `--find-links ${folder}`, ...lines, ''].join('\n'));
  };
  const hashes = { 'onnxruntime-gpu': onnxruntime, 'nvidia-cublas': cublas };
  await pin(hashes);
  const target = path.join(folder, 'cuda');
  return { target, hashes, pin, install: () => script('install-cuda.sh', target, requirements) };
}

describe.skipIf(!pip)('installing CUDA', () => {
  it('leaves the libraries, the provider and the commit it was built from', async () => {
    const { target, install } = await setup();
    const { code, output } = await install();
    expect(code, output).toBe(0);
    expect(await readdir(path.join(target, 'lib'))).toEqual(['libcublas.so.13']);
    expect((await readdir(path.join(target, 'providers'))).sort()).toEqual([
      'libonnxruntime_providers_cuda.so',
      'libonnxruntime_providers_shared.so',
    ]);
    expect(await readFile(path.join(target, 'build'), 'utf8')).toBe('git-commit-id=0123abc\n');
    expect((await stat(path.join(target, 'lib/libcublas.so.13'))).mtimeMs).toBe(0);
  });

  it('refuses a file with another checksum', async () => {
    const { target, hashes, pin, install } = await setup();
    await pin({ ...hashes, 'nvidia-cublas': '0'.repeat(64) });
    const { code, output } = await install();
    expect(code).not.toBe(0);
    expect(output).toMatch(/DO NOT MATCH THE HASHES/);
    expect(output).toContain(hashes['nvidia-cublas']);
    await expect(readdir(target)).rejects.toThrow('ENOENT');
  });
});
