/**
 * The worker on jobs of classifiers and a detector, small beside an enlargement: what onnxruntime alone does, what a job's parts
 * cost, and what the worker makes of them under a full queue, in turns. It has as many jobs in hand as it chooses itself.
 */
import path from 'node:path';
import type { DeviceKind } from '../../gpu-worker/inference/session.ts';
import { names } from '../../local/settings.ts';
import { connectModels } from '../../shared/aws/connect-catalog.ts';
import type { Stores } from '../cases.ts';
import { Child } from '../child.ts';
import { CORES } from '../machine.ts';
import { percent } from '../tables.ts';
import { type Load, load } from '../throughput.ts';
import { withWorker } from '../worker.ts';
import { answering, type ModelCase } from './jobs.ts';
import { makePackages } from './packages.ts';
import type { ModelParts, ModelQuestion } from './parts.ts';

export interface ModelFigures {
  readonly title: string;
  /** Why there are no figures. */
  readonly reason?: string;
  readonly repeats: readonly ModelTurn[];
}

export interface ModelTurn {
  readonly parts: ModelParts;
  readonly load: Load;
}

export interface ModelsOptions {
  readonly stores: Stores;
  /** For packages. */
  readonly directory: string;
  /** Of the worker's metrics. */
  readonly port: string | undefined;
  readonly device: DeviceKind;
  readonly threads: number;
  readonly repeats: number;
  /** Of each part, and of the worker under load. */
  readonly seconds: { readonly part: number; readonly load: number };
  readonly yolox?: string | undefined;
}

/** As gpu-worker/main.ts has it where nobody says otherwise. */
const BATCH = { cpu: 1, cuda: 8 } as const;
/** The worker learns from its last 16 jobs how many it takes in hand; then it may have 8 a core. */
const PLACES = CORES * 8 + 16;
/** Leaves as many to be timed as are not at both ends. */
const LEAST_JOBS = PLACES * 3;
const MOST_JOBS = 1_200;

/** CPU milliseconds of a job's parts together. */
export const modelPartsMs = ({ inference, picture, services }: ModelParts): number =>
  inference + picture + services;

/** A row of the table while it is being measured. */
interface Row extends ModelFigures {
  /** Absent where there is no model. */
  readonly asked?: ModelCase;
  readonly repeats: ModelTurn[];
}

export async function measureModels(options: ModelsOptions): Promise<ModelFigures[]> {
  const { stores, port, device, repeats } = options;
  const rows = await publishAll(options);
  // A queue of its own: the worker must not take the jobs on which the calls' cost is measured.
  const ownQueue = stores.settings.OUTBOARD_QUEUE_URL.replace(names.queue, names.deadLetters);
  const parts = new Child([path.join(import.meta.dirname, 'parts.ts')], { OUTBOARD_QUEUE_URL: ownQueue });
  const environment = { OUTBOARD_CONCURRENT_JOBS: '0', OUTBOARD_BATCH_SIZE: String(BATCH[device]) };
  try {
    await withWorker({ port, environment }, async (worker) => {
      const bench = { worker, stores, places: PLACES };
      const kinds = rows.flatMap(({ asked, repeats: turns }) =>
        asked === undefined ? [] : [{ asked, turns, workload: answering(stores, asked) }],
      );
      // Loads models and compiles code; the first answer is the one that the others find in the cache.
      for (const { asked, workload } of kinds) {
        await askParts(parts, asked, options);
        if (asked.isRepeated) await load(bench, { ...workload, check: () => {} }, 1);
        await load(bench, workload, LEAST_JOBS);
      }
      for (let repeat = 0; repeat < repeats; repeat++) {
        for (const { asked, turns, workload } of kinds) {
          const alone = await askParts(parts, asked, options);
          turns.push({ parts: alone, load: await load(bench, workload, jobsFor(alone, options)) });
          tell(asked, turns);
        }
      }
    });
  } finally {
    await parts.close();
  }
  return rows.map(({ asked: _, ...figures }) => figures);
}

/** Makes every model known to the stage. The last row asks one of them for what it has answered before. */
async function publishAll({ stores, directory, yolox }: ModelsOptions): Promise<Row[]> {
  const { repository } = connectModels(stores.settings);
  const rows: Row[] = [];
  for (const model of await makePackages(directory, yolox)) {
    if (!('reason' in model)) await repository.publish(model.folder);
    const row = 'reason' in model ? model : { title: model.title, asked: { ...model, isRepeated: false } };
    rows.push({ ...row, repeats: [] });
  }
  const asked = rows.findLast((row) => row.asked?.task === 'classification')?.asked;
  if (asked === undefined) return rows;
  const title = 'answers from the cache';
  return [...rows, { title, asked: { ...asked, title, isRepeated: true }, repeats: [] }];
}

function askParts(parts: Child, asked: ModelCase, options: ModelsOptions): Promise<ModelParts> {
  const { device, threads, seconds } = options;
  const question = { asked, device, threads, batch: BATCH[device], seconds: seconds.part };
  return parts.ask<ModelParts>(question satisfies ModelQuestion);
}

function jobsFor(alone: ModelParts, { seconds }: ModelsOptions): number {
  const wanted = Math.ceil((seconds.load * 1000 * CORES) / modelPartsMs(alone));
  return Math.max(LEAST_JOBS, Math.min(MOST_JOBS, wanted));
}

function tell({ title }: ModelCase, turns: readonly ModelTurn[]): void {
  const last = turns.at(-1);
  if (last === undefined) return;
  const work = percent(modelPartsMs(last.parts) / last.load.cpuMs);
  console.log(`${title.padEnd(24)} work ${work}  busy ${percent(last.load.busy)}`);
}
