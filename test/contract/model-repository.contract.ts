/**
 * What publishing and serving may rely on: model packages and their catalog in one bucket. Each test starts without a
 * catalog, so a bucket that has one when the suite begins is refused: it is somebody's.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogStore } from '../../shared/aws/catalog-store.ts';
import { ModelRepository } from '../../shared/aws/model-repository.ts';
import { ObjectStore } from '../../shared/aws/object-store.ts';
import { resolveModel, versionOf } from '../../shared/model.ts';
import type { BucketUnderTest } from './bucket.ts';

async function setup(objects: ObjectStore) {
  const directory = await mkdtemp(path.join(tmpdir(), 'outboard-models-'));
  const catalog = new CatalogStore(objects, () => 0);
  const open = () => new ModelRepository(objects, new CatalogStore(objects, () => 0));
  return {
    directory,
    objects,
    catalog,
    repository: open(),
    open,
    async close() {
      await Promise.all(['catalog.json', 'blobs/'].map((prefix) => objects.erasePrefix(prefix)));
      await rm(directory, { recursive: true, force: true });
    },
    /** A package on disk whose graph is just these bytes. */
    async package(version: string, content = `graph ${version}`): Promise<string> {
      const folder = path.join(directory, 'packages', version);
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'x2.onnx'), content);
      const tensor = { name: 'image', dtype: 'uint8', layout: 'NHWC', channels: 3 } as const;
      const manifest = {
        schema_version: 1,
        name: 'sharp-eyes',
        version,
        task: 'super-resolution',
        description: 'A test.',
        licence: 'MIT',
        parameters: 1,
        graphs: [
          {
            scale: 2,
            file: 'x2.onnx',
            sha256: createHash('sha256').update(content).digest('hex'),
            bytes: content.length,
            input: tensor,
            output: tensor,
            receptive_radius: 1,
            tile: { height: 8, width: 8 },
          },
        ],
      };
      await writeFile(path.join(folder, 'model.json'), JSON.stringify(manifest));
      return folder;
    },
    async served(name = 'sharp-eyes'): Promise<string | undefined> {
      const found = resolveModel(await new CatalogStore(objects, () => 0).read(), name);
      return found && versionOf(found);
    },
  };
}

export function modelRepositoryContract(name: string, openBucket: () => Promise<BucketUnderTest>): void {
  describe(`the model repository (${name})`, () => {
    let opened: BucketUnderTest;
    let bundle: Awaited<ReturnType<typeof setup>>;

    beforeAll(async () => {
      opened = await openBucket();
      const there = await new ObjectStore(opened.client, opened.bucket).head('catalog.json');
      if (there !== undefined) throw new Error(`${opened.bucket} is in use: it has a catalog.`);
    });
    beforeEach(async () => {
      bundle = await setup(new ObjectStore(opened.client, opened.bucket));
    });
    afterEach(() => bundle.close());
    afterAll(() => opened.close());

    it('serves the first version at once and later ones only when they are promoted', async () => {
      const { repository, served } = bundle;
      await repository.publish(await bundle.package('1'));
      expect(await served()).toBe('sharp-eyes@1');
      await repository.publish(await bundle.package('2'));
      expect(await served()).toBe('sharp-eyes@1');
      expect(await served('sharp-eyes@2')).toBe('sharp-eyes@2');
      await repository.promote('sharp-eyes', '2');
      expect(await served()).toBe('sharp-eyes@2');
    });

    it('rolls back to the version before, step by step, and refuses beyond the first', async () => {
      const { repository, served } = bundle;
      for (const version of ['1', '2', '3']) {
        await repository.publish(await bundle.package(version));
        await repository.promote('sharp-eyes', version);
      }
      await repository.rollback('sharp-eyes');
      expect(await served()).toBe('sharp-eyes@2');
      await repository.rollback('sharp-eyes');
      expect(await served()).toBe('sharp-eyes@1');
      await expect(repository.rollback('sharp-eyes')).rejects.toThrow('before this one');
    });

    it('gives a model another name, which follows its promotions or holds one version', async () => {
      const { repository, catalog } = bundle;
      for (const version of ['1', '2']) await repository.publish(await bundle.package(version));
      await repository.alias('enlarge', 'sharp-eyes');
      await repository.alias('enlarge-first', 'sharp-eyes@1');
      await repository.promote('sharp-eyes', '2');
      const now = await catalog.read();
      expect(resolveModel(now, 'enlarge')).toMatchObject({ version: '2' });
      expect(resolveModel(now, 'enlarge-first')).toMatchObject({ version: '1' });
      await expect(repository.alias('enlarge-more', 'enlarge')).rejects.toThrow('is not published here');
      await expect(repository.alias('sharp-eyes', 'sharp-eyes@1')).rejects.toThrow('is a model itself');
      await expect(repository.alias('Not a name', 'sharp-eyes')).rejects.toThrow('lower-case letters');
    });

    it('publishes nothing where a file is not the one its manifest names', async () => {
      const folder = await bundle.package('1');
      await writeFile(path.join(folder, 'x2.onnx'), 'damaged');
      await expect(bundle.repository.publish(folder)).rejects.toThrow('not the file its manifest names');
      await expect(bundle.catalog.read()).rejects.toMatchObject({ code: 'service_unavailable' });
    });

    it('never changes a published version; publishing the same again does nothing', async () => {
      await bundle.repository.publish(await bundle.package('1'));
      await bundle.repository.publish(await bundle.package('1'));
      await expect(bundle.repository.publish(await bundle.package('1', 'other'))).rejects.toThrow(
        'new version',
      );
      expect((await bundle.catalog.read()).models).toHaveLength(1);
    });

    it('loses none of twelve versions that are published at the same moment', async () => {
      const versions = Array.from({ length: 12 }, (_, index) => String(index + 1));
      const folders = await Promise.all(versions.map((version) => bundle.package(version)));
      await Promise.all(folders.map((folder) => bundle.open().publish(folder)));
      const { models } = await bundle.catalog.read();
      expect(models.map(({ version }) => version).sort()).toEqual([...versions].sort());
    });

    it('removes a version that does not serve, with its files, but keeps files that another one uses', async () => {
      const { repository, objects } = bundle;
      const first = await repository.publish(await bundle.package('1', 'same'));
      await repository.publish(await bundle.package('2', 'same'));
      await repository.publish(await bundle.package('3', 'own'));
      await expect(repository.remove('sharp-eyes', '1')).rejects.toThrow('promote another version first');
      await repository.remove('sharp-eyes', '3');
      await repository.remove('sharp-eyes', '2');
      expect(await objects.head(`blobs/${first.graphs[0]?.sha256}`)).toBeDefined();
      expect(await objects.head(`blobs/${createHash('sha256').update('own').digest('hex')}`)).toBeUndefined();
    });

    it('fetches a package whole, and leaves nothing behind when a file is damaged in the bucket', async () => {
      const { repository, objects, directory } = bundle;
      const manifest = await repository.publish(await bundle.package('1'));
      const cache = path.join(directory, 'cache');
      const folder = await repository.fetch(manifest, cache);
      expect(await readFile(path.join(folder, 'x2.onnx'), 'utf8')).toBe('graph 1');

      const second = await repository.publish(await bundle.package('2'));
      await objects.put(`blobs/${second.graphs[0]?.sha256}`, Buffer.from('damaged'), {
        contentType: 'text/plain',
      });
      await expect(repository.fetch(second, cache)).rejects.toThrow('not the file its manifest names');
      expect(await readdir(path.join(cache, 'sharp-eyes'))).toEqual([path.basename(folder)]);
    });
  });
}
