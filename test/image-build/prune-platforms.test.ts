import { cp, mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/image/dockerfile.ts';
import { newFolder, onLinuxX64, script } from './folder.ts';

const RUNTIME = 'onnxruntime-node/bin/napi-v6';

/** ELF, 64 bits, x86-64. */
async function isLinuxX64(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(20), 0, 20, 0);
  const magic = buffer.subarray(0, 5).toString('latin1');
  return magic === '\x7fELF\x02' && buffer.readUInt16LE(18) === 62;
}

async function nativeFiles(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && /\.(node|dll|dylib|so(\.[\d.]+)?|wasm)$/.test(file.name))
    .map((file) => path.join(file.parentPath, file.name));
}

describe.skipIf(!onLinuxX64)('pruning', () => {
  let modules: string;

  beforeEach(async () => {
    modules = await newFolder();
    const from = path.join(ROOT, 'node_modules');
    // Without its own libraries' bytes twice: what is kept is copied, the rest is stood for by a small file.
    for (const name of ['sharp-linux-x64', 'sharp-libvips-linux-x64', 'colour']) {
      await cp(path.join(from, '@img', name), path.join(modules, '@img', name), { recursive: true });
    }
    await cp(path.join(from, 'onnxruntime-node'), path.join(modules, 'onnxruntime-node'), {
      recursive: true,
    });
    for (const name of ['sharp-darwin-arm64', 'sharp-linuxmusl-x64', 'sharp-wasm32']) {
      await cp(path.join(from, '@img/colour'), path.join(modules, '@img', name), { recursive: true });
    }
  });

  it('leaves only what runs on linux-x64, and all of that', async () => {
    const before = await nativeFiles(path.join(modules, RUNTIME));
    const { code, output } = await script('prune-platforms.sh', modules);
    expect(output).toBe('');
    expect(code).toBe(0);

    expect((await readdir(path.join(modules, '@img'))).sort()).toEqual([
      'colour',
      'sharp-libvips-linux-x64',
      'sharp-linux-x64',
    ]);
    const after = await nativeFiles(modules);
    expect(await Promise.all(after.map(isLinuxX64))).toEqual(after.map(() => true));
    expect(await nativeFiles(path.join(modules, RUNTIME))).toEqual(
      before.filter((file) => file.includes('/linux/x64/')),
    );
    expect(await readdir(path.join(modules, RUNTIME))).toEqual(['linux']);
  });

  it('refuses where what must stay is not there', async () => {
    await rm(path.join(modules, RUNTIME, 'linux/x64'), { recursive: true });
    await mkdir(path.join(modules, RUNTIME, 'linux/arm64'), { recursive: true });
    const { code, output } = await script('prune-platforms.sh', modules);
    expect(code).toBe(1);
    expect(output).toContain('linux/x64 is missing');
  });
});
