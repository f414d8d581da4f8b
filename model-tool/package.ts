/**
 * Writes a package so that a half-written one can never be seen: everything goes into a hidden folder beside the
 * target, which is renamed at the end. An existing version is never overwritten, since jobs may hold on to it.
 */
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ModelManifest, modelManifest } from '../shared/model.ts';
import type { CommonFields, Packed } from './import/bench.ts';
import { Refusal } from './refusal.ts';

const GRAPH = 'model.onnx';

/** @throws Refusal where the version exists already */
export async function writePackage(
  folder: string,
  packed: Packed,
  common: CommonFields,
): Promise<{ folder: string; manifest: ModelManifest }> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const draft = await mkdtemp(join(parent, '.draft-'));
  try {
    await copyFile(packed.graphPath, join(draft, GRAPH));
    for (const [name, bytes] of Object.entries(packed.files)) await writeFile(join(draft, name), bytes);
    const files = Object.entries(packed.files).map(([name, bytes]) => [name, digest(bytes)]);
    const graph = { file: GRAPH, ...digest(await readFile(join(draft, GRAPH))) };
    const manifest = modelManifest.parse(
      packed.manifest({ ...common, files: Object.fromEntries(files) }, graph),
    );
    await writeFile(join(draft, 'model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    if ((await stat(folder).catch(() => undefined)) !== undefined) {
      throw new Refusal(`${folder} exists already. Say another --version; versions never change.`, {
        flag: '--version',
      });
    }
    // Drafts are made for their owner alone; a package is for whoever serves it.
    await chmod(draft, 0o755);
    await rename(draft, folder);
    return { folder, manifest };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const digest = (bytes: Uint8Array) => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});
