/**
 * The model packages of a stage, in its models bucket. Files are stored under their sha256, so a version's bytes can
 * never change; what exists is what the catalog names. Publishing, promoting and removing are each one conditional
 * write of the catalog: nobody can ever see half a version.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OutboardError } from '../errors.ts';
import {
  filesOf,
  type ModelCatalog,
  type ModelManifest,
  modelManifest,
  modelName,
  versionOf,
  versionsOf,
} from '../model.ts';
import type { CatalogStore } from './catalog-store.ts';
import { type ObjectStore, WriteConflict } from './object-store.ts';

/** How many promotions of one model are remembered for `rollback`. */
const KEPT_PROMOTIONS = 20;

const blobKey = (sha256: string): string => `blobs/${sha256}`;

export class ModelRepository {
  readonly #objects: Pick<ObjectStore, 'head' | 'put' | 'download' | 'erasePrefix'>;
  readonly #catalog: Pick<CatalogStore, 'update'>;

  constructor(
    objects: Pick<ObjectStore, 'head' | 'put' | 'download' | 'erasePrefix'>,
    catalog: Pick<CatalogStore, 'update'>,
  ) {
    this.#objects = objects;
    this.#catalog = catalog;
  }

  /**
   * Uploads the package in `folder` and makes it known. It serves nobody but those who ask for `name@version`, until
   * it is promoted; the first version of a name answers to the name at once.
   * @throws Error where a file is not the one its manifest names, or another package has this name and version
   */
  async publish(folder: string): Promise<ModelManifest> {
    const manifest = modelManifest.parse(JSON.parse(await readFile(path.join(folder, 'model.json'), 'utf8')));
    const storeAll = async () => {
      for (const { file, sha256 } of filesOf(manifest)) await this.#store(path.join(folder, file), sha256);
    };
    await storeAll();
    await this.#catalog.update((catalog) => withPackage(catalog, manifest));
    // A removal of the last other version with the same file may have come in between; from now on none can.
    await storeAll();
    return manifest;
  }

  /** Lets `version` answer to the bare name from now on; jobs that have started keep theirs. */
  async promote(name: string, version: string): Promise<ModelCatalog> {
    const at = new Date().toISOString();
    return this.#catalog.update((catalog) => {
      requireVersion(catalog, name, version);
      const before = catalog.promotions[name] ?? [];
      if (before.at(-1)?.version === version) return catalog;
      const promotions = [...before, { version, at }].slice(-KEPT_PROMOTIONS);
      return { ...catalog, promotions: { ...catalog.promotions, [name]: promotions } };
    });
  }

  /** Back to the version that answered before. @throws Error where there was none */
  async rollback(name: string): Promise<ModelCatalog> {
    return this.#catalog.update((catalog) => {
      const [previous, ...older] = (catalog.promotions[name] ?? []).slice(0, -1).reverse();
      if (previous === undefined) throw new Error(`No version of ${name} was promoted before this one.`);
      requireVersion(catalog, name, previous.version);
      return { ...catalog, promotions: { ...catalog.promotions, [name]: [...older.reverse(), previous] } };
    });
  }

  /**
   * Lets `alias` mean a model, or one version of it, from now on.
   * @throws Error where the target is not published, or the alias is the name of a model
   */
  async alias(alias: string, target: string): Promise<ModelCatalog> {
    modelName.parse(alias);
    return this.#catalog.update((catalog) => {
      if (versionsOf(catalog, alias).length > 0)
        throw new Error(`${alias} is a model itself; requests for it must go on meaning that one.`);
      // The alias of an alias would change its meaning with a change nobody connects with it.
      const exists =
        versionsOf(catalog, target).length > 0 || catalog.models.some((model) => versionOf(model) === target);
      if (!exists) throw new Error(`${target} is not published here; give a model or name@version.`);
      return { ...catalog, aliases: { ...catalog.aliases, [alias]: target } };
    });
  }

  /** Takes a version out of the catalog and erases the files that no other version uses. */
  async remove(name: string, version: string): Promise<void> {
    let removed: ModelManifest | undefined;
    const catalog = await this.#catalog.update((before) => {
      removed = requireVersion(before, name, version);
      return withoutPackage(before, removed);
    });
    const used = new Set(catalog.models.flatMap(filesOf).map((file) => file.sha256));
    for (const { sha256 } of removed === undefined ? [] : filesOf(removed)) {
      if (!used.has(sha256)) await this.#objects.erasePrefix(blobKey(sha256));
    }
  }

  /**
   * Brings a package onto this machine, complete or not at all. Its folder is named by its content too, so that what
   * an earlier package of the same name and version left there is never taken for it.
   * @returns the package's folder
   */
  async fetch(manifest: ModelManifest, directory: string): Promise<string> {
    const content = createHash('sha256').update(JSON.stringify(manifest)).digest('hex').slice(0, 12);
    const folder = path.join(directory, manifest.name, `${manifest.version}-${content}`);
    if ((await stat(folder).catch(() => undefined)) !== undefined) return folder;
    const partial = `${folder}.${process.pid}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    try {
      for (const { file, sha256 } of filesOf(manifest)) {
        await this.#objects.download(blobKey(sha256), path.join(partial, file));
        await requireSha256(path.join(partial, file), sha256);
      }
      await writeFile(path.join(partial, 'model.json'), JSON.stringify(manifest, null, 2));
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
    return folder;
  }

  async #store(file: string, sha256: string): Promise<void> {
    await requireSha256(file, sha256);
    const key = blobKey(sha256);
    if ((await this.#objects.head(key)) !== undefined) return;
    const { size: bytes } = await stat(file);
    const options = { contentType: 'application/octet-stream', ifMatch: 'none' };
    await this.#objects.put(key, { path: file, bytes }, options).catch((error: unknown) => {
      // The same bytes, stored by somebody else in the meantime.
      if (!(error instanceof WriteConflict)) throw error;
    });
  }
}

function withPackage(catalog: ModelCatalog, manifest: ModelManifest): ModelCatalog {
  const there = catalog.models.find((model) => versionOf(model) === versionOf(manifest));
  if (there === undefined)
    return { ...catalog, ...promotedFirst(catalog, manifest), models: [...catalog.models, manifest] };
  if (JSON.stringify(there) === JSON.stringify(manifest)) return catalog;
  throw new Error(`Another package is published as ${versionOf(manifest)}; give this one a new version.`);
}

/** What a bare name means must not change by publishing, so the version that has it now is written down first. */
function promotedFirst(
  catalog: ModelCatalog,
  { name, version }: ModelManifest,
): Pick<ModelCatalog, 'promotions'> {
  if (catalog.promotions[name] !== undefined) return { promotions: catalog.promotions };
  const now = versionsOf(catalog, name).at(-1)?.version ?? version;
  const first = { version: now, at: new Date().toISOString() };
  return { promotions: { ...catalog.promotions, [name]: [first] } };
}

function withoutPackage(catalog: ModelCatalog, removed: ModelManifest): ModelCatalog {
  const { name, version } = removed;
  const promoted = catalog.promotions[name] ?? [];
  const others = versionsOf(catalog, name).filter((model) => model.version !== version);
  if (promoted.at(-1)?.version === version && others.length > 0) {
    throw new Error(`${versionOf(removed)} answers to ${name} now; promote another version first.`);
  }
  const left = promoted.filter((promotion) => promotion.version !== version);
  const { [name]: _, ...otherNames } = catalog.promotions;
  return {
    models: catalog.models.filter((model) => model !== removed),
    aliases: Object.fromEntries(
      Object.entries(catalog.aliases).filter(
        ([, target]) => target !== versionOf(removed) && (target !== name || others.length > 0),
      ),
    ),
    promotions: left.length === 0 ? otherNames : { ...otherNames, [name]: left },
  };
}

/** @throws unknown_model */
function requireVersion(catalog: ModelCatalog, name: string, version: string): ModelManifest {
  const found = catalog.models.find((model) => model.name === name && model.version === version);
  if (found === undefined)
    throw new OutboardError('unknown_model', { detail: `Asked for ${name}@${version}.` });
  return found;
}

/** @throws Error naming the file that is not what its manifest says */
async function requireSha256(file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const found = hash.digest('hex');
  if (found !== sha256) throw new Error(`${file} is not the file its manifest names: sha256 is ${found}.`);
}
