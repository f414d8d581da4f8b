/** How cost grows with a picture's size, with the length of the queue, and with the size of a batch. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { seedModels } from '../../local/seed-models.ts';
import { stackEnvironment } from '../../local/settings.ts';
import { connectModels } from '../../shared/aws/connect-catalog.ts';
import { connectStores, temporaryDirectory } from '../cases.ts';
import { Child } from '../child.ts';
import { describeMachine, type Machine } from '../machine.ts';
import { type BatchFigures, measureBatch } from './batches.ts';
import { measurePicture, type PictureFigures } from './pictures.ts';
import { GrowingQueue, type QueueFigures } from './queue.ts';
import { growthMarkdown } from './report.ts';

export interface GrowthResults {
  readonly date: string;
  readonly machine: Machine;
  readonly pictures: readonly PictureFigures[];
  readonly queue: readonly QueueFigures[];
  readonly batches: readonly BatchFigures[];
}

interface GrowthOptions {
  readonly port: number;
  /** The whole range; else the part of it that ends within two minutes. */
  readonly full: boolean;
}

const RESULTS = path.resolve(import.meta.dirname, '../results');
const MEGAPIXELS = { some: [1, 2, 4, 9], full: [1, 4, 12, 25, 50, 100] };
const QUEUED = { some: [1, 10, 100, 1_000], full: [1, 10, 100, 1_000, 3_000, 10_000] };
const TILES = { some: [1, 2, 4, 8, 16], full: [1, 2, 4, 8, 16, 32, 64] };

export async function measureGrowth({ port, full }: GrowthOptions): Promise<void> {
  const range = full ? 'full' : 'some';
  const directory = await temporaryDirectory();
  const environment: Record<string, string> = {
    ORT_DISABLE_TELEMETRY: '1',
    ...stackEnvironment({ port, directory }),
  };
  Object.assign(process.env, environment);
  const services = new Child([
    path.resolve(import.meta.dirname, '../services.ts'),
    String(port),
    path.join(directory, 'services'),
  ]);
  await mkdir(RESULTS, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  let results: GrowthResults = {
    date,
    machine: await describeMachine(),
    pictures: [],
    queue: [],
    batches: [],
  };
  /** Written after every measurement: a long run that is stopped keeps what it has. */
  const save = async (more: Partial<GrowthResults>): Promise<void> => {
    results = { ...results, ...more };
    await writeFile(path.join(RESULTS, 'growth.json'), `${JSON.stringify(results, null, 1)}\n`);
    await writeFile(path.join(RESULTS, 'growth.md'), growthMarkdown(results));
    const { batches, pictures, queue } = results;
    console.log(`growth: ${batches.length} batches, ${pictures.length} pictures, ${queue.length} queues`);
  };
  try {
    const stores = connectStores(environment);
    await services.ask('stored');
    await seedModels(connectModels(stores.settings));

    for (const tiles of TILES[range])
      await save({ batches: [...results.batches, await measureBatch(tiles)] });
    for (const megapixels of MEGAPIXELS[range]) {
      const figures = await measurePicture(stores, environment.OUTBOARD_METRICS_PORT, megapixels);
      await save({ pictures: [...results.pictures, figures] });
    }
    // Last: what waits here would be work for a worker.
    const growing = new GrowingQueue(stores, services.pid);
    // The first calls open connections and are compiled.
    await growing.measure(1);
    for (const queued of QUEUED[range])
      await save({ queue: [...results.queue, await growing.measure(queued)] });
    console.log(growthMarkdown(results));
  } finally {
    await services.close();
    await rm(directory, { recursive: true, force: true });
  }
}
