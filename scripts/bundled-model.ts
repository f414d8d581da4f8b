/** A super-resolution model of models/, read from disk: for scripts and benchmarks, which have no registry. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isTask, type LoadedModel } from '../gpu-worker/loaded-model.ts';
import { modelManifest, versionOf } from '../shared/model.ts';

const MODELS = path.resolve(import.meta.dirname, '../models');

/** @param asked an alias, a name or `name@version` @throws Error where models/ has no such model */
export async function bundledModel(asked: string): Promise<LoadedModel<'super-resolution'>> {
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(MODELS, file), 'utf8'));
  const manifests = await Promise.all(globSync('*/*/model.json', { cwd: MODELS }).map(read));
  const aliases = (await read('aliases.json')) as Record<string, string>;
  const target = aliases[asked] ?? asked;
  const manifest = manifests
    .map((manifest) => modelManifest.parse(manifest))
    .find((model) => model.name === target || versionOf(model) === target);
  if (manifest === undefined) throw new Error(`There is no model ${asked} in ${MODELS}.`);
  const model = { manifest, folder: path.join(MODELS, manifest.name, manifest.version) } as LoadedModel;
  if (!isTask(model, 'super-resolution')) throw new Error(`${asked} does not enlarge.`);
  return model;
}
