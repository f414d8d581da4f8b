/** Versions on a worker: real sessions on the CPU, packages in the local S3 server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DevicePool } from '../../gpu-worker/inference/device-pool.ts';
import { isTask, pictureGraph, pictureLane } from '../../gpu-worker/loaded-model.ts';
import { ModelRegistry, type ModelUse } from '../../gpu-worker/model-registry.ts';
import { startS3Server } from '../../local/s3/server.ts';
import { CatalogStore } from '../../shared/aws/catalog-store.ts';
import { ModelRepository } from '../../shared/aws/model-repository.ts';
import { ObjectStore } from '../../shared/aws/object-store.ts';
import { makePackage } from './packages.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' };
const PLENTY = 1e12;

async function setup() {
  const directory = await mkdtemp(path.join(tmpdir(), 'outboard-registry-'));
  const server = await startS3Server({
    directory: path.join(directory, 's3'),
    credentials,
    buckets: [{ name: 'm' }],
  });
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
  });
  const objects = new ObjectStore(client, 'm');
  // Each look at this catalog is a fresh one.
  let clock = 0;
  const catalog = new CatalogStore(objects, () => (clock += 1e9));
  const repository = new ModelRepository(objects, catalog);
  const device = new DevicePool({ device: 'cpu', threads: 1, hungAfterMs: 60_000, onFatal: () => {} });
  const errors: string[] = [];
  const failures: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (_: unknown, text: string) => void errors.push(text),
  };
  return {
    repository,
    device,
    errors,
    failures,
    registry: (memoryBudget = PLENTY, fetch: ModelRepository['fetch'] = (...of) => repository.fetch(...of)) =>
      new ModelRegistry({
        catalog,
        repository: { fetch },
        device,
        directory: path.join(directory, 'cache'),
        memoryBudget,
        log: log as never,
        onLoadFailed: (version) => failures.push(version),
      }),
    publish: async (name: string, version: string, damage = {}) =>
      repository.publish(await makePackage(path.join(directory, 'packages'), name, version, damage)),
    async close() {
      await device.close();
      client.destroy();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

let bundle: Awaited<ReturnType<typeof setup>>;
beforeEach(async () => {
  bundle = await setup();
});
afterEach(() => bundle.close());

/** Runs the model once on a grey picture. @returns how many bytes came out */
async function enlarge({ model }: ModelUse): Promise<number> {
  if (!isTask(model, 'super-resolution')) throw new Error('not an enlarger');
  return bundle.device.enlarge({
    lane: pictureLane(pictureGraph(model, 2), { width: 16, height: 16 }, false),
    turn: { tenant: 'test', job: 'test', priority: 'normal', deadline: 0 },
    signal: new AbortController().signal,
    fill: (input) => input.fill(128),
    read: (output) => output.length,
  });
}

describe('the versions of a worker', () => {
  it('switch when the promoted one is loaded and proved, while a job keeps the one it holds', async () => {
    const registry = bundle.registry();
    await bundle.publish('eyes', '1');
    await using old = await registry.use('eyes');
    await bundle.publish('eyes', '2');
    await bundle.repository.promote('eyes', '2');
    expect(await registry.versionFor('eyes')).toBe('eyes@1');

    await registry.refresh();
    expect(await registry.versionFor('eyes')).toBe('eyes@2');
    expect(await registry.versionFor('eyes@1')).toBe('eyes@1');
    expect(await enlarge(old)).toBe(32 * 32 * 3);
    await using fresh = await registry.use('eyes');
    expect(fresh.model.manifest.version).toBe('2');
    expect(await enlarge(fresh)).toBe(32 * 32 * 3);
  });

  it.each([
    ['that is no graph', { graph: true }],
    ['that does not give its golden example', { golden: true }],
  ])('stay where a version is promoted %s; it is told once', async (_, damage) => {
    const registry = bundle.registry();
    await bundle.publish('eyes', '1');
    await (await registry.use('eyes'))[Symbol.asyncDispose]();
    await bundle.publish('eyes', '2', damage);
    await bundle.repository.promote('eyes', '2');

    await registry.refresh();
    await registry.refresh();
    expect(await registry.versionFor('eyes')).toBe('eyes@1');
    expect(bundle.failures).toEqual(['eyes@2']);
    expect(bundle.errors).toHaveLength(1);
    await expect(registry.use('eyes@2')).rejects.toMatchObject({ code: 'model_unavailable' });
    await using still = await registry.use('eyes');
    expect(await enlarge(still)).toBe(32 * 32 * 3);
  });

  it('are let go, least recently used first, over the memory budget, but never under a job', async () => {
    const registry = bundle.registry(0);
    for (const name of ['one', 'two', 'three']) await bundle.publish(name, '1');
    const one = await registry.use('one');
    await (await registry.use('two'))[Symbol.asyncDispose]();
    expect(registry.loaded()).toContain('one@1');
    expect(await enlarge(one)).toBe(32 * 32 * 3);
    await one[Symbol.asyncDispose]();
    await (await registry.use('three'))[Symbol.asyncDispose]();
    expect(registry.loaded().length).toBeLessThan(3);
    // What was let go comes back when it is asked for.
    await using again = await registry.use('one');
    expect(await enlarge(again)).toBe(32 * 32 * 3);
  });

  it('tell a job when it has to wait for a model, and only then', async () => {
    const registry = bundle.registry();
    await bundle.publish('eyes', '1');
    let waits = 0;
    const use = async () => (await registry.use('eyes', () => (waits += 1)))[Symbol.asyncDispose]();
    await use();
    await use();
    expect(waits).toBe(1);
  });

  it('tell every job that waits, also one that comes while the load is under way', async () => {
    const registry = bundle.registry();
    await bundle.publish('eyes', '1');
    let waits = 0;
    const uses = await Promise.all([1, 2, 3].map(() => registry.use('eyes', () => (waits += 1))));
    expect(waits).toBe(3);
    await Promise.all(uses.map((use) => use[Symbol.asyncDispose]()));
  });

  it('are let go without holding a job up, whatever else is being loaded', async () => {
    const arrival = Promise.withResolvers<void>();
    const departure = Promise.withResolvers<void>();
    const registry = bundle.registry(0, async (manifest, directory) => {
      if (manifest.name === 'slow') {
        departure.resolve();
        await arrival.promise;
      }
      return bundle.repository.fetch(manifest, directory);
    });
    await bundle.publish('eyes', '1');
    await bundle.publish('slow', '1');
    const held = await registry.use('eyes');
    const coming = registry.use('slow');
    await departure.promise;
    await held[Symbol.asyncDispose]();
    expect(registry.loaded()).toEqual([]);
    arrival.resolve();
    await using slow = await coming;
    // Over the budget from its first moment, and in use: it stays.
    expect(registry.loaded()).toEqual(['slow@1']);
    expect(await enlarge(slow)).toBe(32 * 32 * 3);
  });

  it('that were let go while another job asked for them again serve that job', async () => {
    const registry = bundle.registry(0);
    await bundle.publish('eyes', '1');
    for (let round = 0; round < 5; round += 1) {
      const before = await registry.use('eyes');
      const [, after] = await Promise.all([before[Symbol.asyncDispose](), registry.use('eyes')]);
      expect(await enlarge(after)).toBe(32 * 32 * 3);
      await after[Symbol.asyncDispose]();
    }
    expect(registry.loaded()).toEqual([]);
  });

  it('are loaded once, however many jobs ask at the same moment', async () => {
    const registry = bundle.registry();
    await bundle.publish('eyes', '1');
    const uses = await Promise.all(Array.from({ length: 8 }, () => registry.use('eyes')));
    expect(new Set(uses.map(({ model }) => model)).size).toBe(1);
    await Promise.all(uses.map((use) => use[Symbol.asyncDispose]()));
  });

  it('do not include what nobody published', async () => {
    await bundle.publish('eyes', '1');
    await expect(bundle.registry().use('ears')).rejects.toMatchObject({ code: 'unknown_model' });
    await expect(bundle.registry().use('eyes@9')).rejects.toMatchObject({ code: 'unknown_model' });
  });
});
