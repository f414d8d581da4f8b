/** Model packages in S3, against the local server. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startS3Server } from '../../local/s3/server.ts';
import { CatalogStore } from '../../shared/aws/catalog-store.ts';
import { ModelRepository } from '../../shared/aws/model-repository.ts';
import { ObjectStore } from '../../shared/aws/object-store.ts';
import { resolveModel, versionOf } from '../../shared/model.ts';

const BUCKET = 'models';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' };

async function setup() {
  const directory = await mkdtemp(path.join(tmpdir(), 'outboard-models-'));
  const server = await startS3Server({
    directory: path.join(directory, 's3'),
    credentials,
    buckets: [{ name: BUCKET }],
  });
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
  });
  const objects = new ObjectStore(client, BUCKET);
  const catalog = new CatalogStore(objects, () => 0);
  const open = () => new ModelRepository(objects, new CatalogStore(objects, () => 0));
  return {
    directory,
    objects,
    catalog,
    repository: open(),
    open,
    async close() {
      client.destroy();
      await server.close();
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

let bundle: Awaited<ReturnType<typeof setup>>;
beforeEach(async () => {
  bundle = await setup();
});
afterEach(() => bundle.close());

describe('the model repository', () => {
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
