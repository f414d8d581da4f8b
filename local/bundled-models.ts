/** The model packages that come with the project, in models/. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { LoadedModel } from '../gpu-worker/loaded-model.ts';
import { modelManifest } from '../shared/model.ts';

const MODELS = path.resolve(import.meta.dirname, '../models');

/** @throws where a manifest is not right */
export function bundledModels(): Promise<LoadedModel[]> {
  const files = globSync('*/*/model.json', { cwd: MODELS }).sort();
  return Promise.all(
    files.map(async (file) => {
      const manifest = modelManifest.parse(JSON.parse(await readFile(path.join(MODELS, file), 'utf8')));
      return { manifest, folder: path.join(MODELS, path.dirname(file)) } as LoadedModel;
    }),
  );
}

/** A bundled super-resolution model, of its highest version. */
export async function bundledEnlarger(name: string): Promise<LoadedModel<'super-resolution'>> {
  const found = (await bundledModels()).findLast(({ manifest }) => manifest.name === name);
  if (found?.manifest.task !== 'super-resolution')
    throw new Error(`There is no bundled enlarger called ${name}.`);
  return { ...found, manifest: found.manifest };
}

/** Other names for them. */
export async function bundledAliases(): Promise<Record<string, string>> {
  return JSON.parse(await readFile(path.join(MODELS, 'aliases.json'), 'utf8')) as Record<string, string>;
}
