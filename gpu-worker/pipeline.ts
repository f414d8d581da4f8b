/**
 * The work of one job, whatever its task: model → fetch → (stored answer?) → probe → task → store. Each step checks its
 * limits before it spends memory; nothing is written to the row.
 */

import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, resultKey, resultPrefix } from '../shared/aws/object-store.ts';
import type { PredictionCache } from '../shared/aws/prediction-cache.ts';
import { costKey, costUnits } from '../shared/cost.ts';
import { OutboardError } from '../shared/errors.ts';
import type { Job, JobOutput, JobTimings, ResultFile } from '../shared/job.ts';
import { versionOf } from '../shared/model.ts';
import type { OutputFormat } from '../shared/output-format.ts';
import { type ParametersOf, parametersFor } from '../shared/parameters.ts';
import { classify } from './classify.ts';
import { detect } from './detect.ts';
import { DeviceShare } from './device-share.ts';
import type { Door } from './door.ts';
import { enlarge } from './enlarge.ts';
import type { FetchInput } from './fetch-input.ts';
import type { Encoded } from './image/encode.ts';
import type { Room } from './image/pixels.ts';
import { type ImageInfo, probeImage } from './image/probe.ts';
import type { Turn } from './inference/batch-queue.ts';
import type { DevicePool } from './inference/device-pool.ts';
import { isTask, type LoadedModel } from './loaded-model.ts';
import type { MemoryGate } from './memory-gate.ts';
import { choosePlan } from './memory-plan.ts';
import type { ModelCosts } from './model-costs.ts';
import type { ModelRegistry } from './model-registry.ts';
import { type Limits, plannedJob } from './planned-job.ts';
import type { JobContext, Pipeline } from './run-job.ts';
import { newScratchFolder } from './scratch.ts';
import { Stopwatch } from './stopwatch.ts';

/** Where a job waits until its pixels fit beside those of the others. */
interface Memory {
  /** Where files come in. */
  readonly door: Pick<Door, 'fetch'>;
  readonly gate: Pick<MemoryGate, 'enter' | 'whole'>;
  /** What one job may take in memory; with more it goes by scratch files. */
  readonly share: number;
}

interface Services {
  readonly fetchInput: FetchInput;
  readonly results: Pick<ObjectStore, 'put' | 'erasePrefix'>;
  readonly models: Pick<ModelRegistry, 'versionFor' | 'use'>;
  readonly predictions: Pick<PredictionCache, 'get' | 'put'>;
  readonly device: Pick<DevicePool, 'enlarge' | 'infer' | 'lookahead'>;
  readonly scratchDirectory: string;
  readonly limits: Limits;
  readonly memory: Memory;
  readonly costs: Pick<ModelCosts, 'observe'>;
}

/** One try at one job, as the tasks see it. */
export interface Attempt {
  readonly source: Buffer;
  readonly info: ImageInfo;
  /** Where its pixels may lie; the folder is this attempt's alone and is erased afterwards. */
  readonly room: Room;
  readonly context: JobContext;
  readonly watch: Stopwatch;
  /** Whose device time it is. */
  readonly turn: Turn;
}

/** What a task makes: pictures by role, to be stored, and plain facts. */
export interface TaskResult {
  readonly pictures: Readonly<Record<string, Encoded & { readonly format: OutputFormat }>>;
  readonly facts: Readonly<Record<string, unknown>>;
}

const fileExtension = { png: 'png', jpeg: 'jpg', webp: 'webp' } as const;
/** How a downloaded file is named after its role. */
const suffix: Readonly<Record<string, string>> = {
  sr_image: 'enlarged',
  original_image: 'bicubic',
  annotated_image: 'annotated',
};

export class PicturePipeline implements Pipeline {
  readonly #services: Services;
  readonly #share = new DeviceShare();

  constructor(services: Services) {
    this.#services = services;
  }

  versionFor(job: Job): Promise<string> {
    return this.#services.models.versionFor(job.model);
  }

  async run(job: Job, context: JobContext): Promise<{ output: JobOutput; timings: JobTimings }> {
    const watch = new Stopwatch(this.#share);
    watch.add('queue_ms', Math.max(0, Date.now() - Date.parse(job.enqueued_at ?? job.created_at)));
    const { progress, signal } = context;
    const waiting = () =>
      progress.reportNow({ phase: 'loading model', completed: 0, total: 1, unit: 'step' });
    await using use = await watch.time('load_ms', () =>
      this.#services.models.use(job.model_version ?? job.model, waiting),
    );
    progress.learn({ model_version: versionOf(use.model.manifest) });
    await progress.enter({ phase: 'fetching', completed: 0, total: 1, unit: 'step' });
    const { door, gate, share } = this.#services.memory;
    const fetched = await watch.time('fetch_ms', () =>
      door.fetch(() => this.#services.fetchInput(job.input, signal), signal),
    );
    const { source } = fetched;
    using _atTheDoor = { [Symbol.dispose]: fetched.leave };

    const stored = new StoredAnswer(this.#services.predictions, job, use.model, source);
    const known = await stored.find();
    if (known !== undefined) return { output: known, timings: watch.read() };

    progress.learn({ input_sha256: stored.picture });
    await progress.enter({ phase: 'decoding', completed: 0, total: 1, unit: 'step' });
    const { limits } = this.#services;
    const info = await probeImage(source, limits);
    const planned = plannedJob(job, use.model, { info, limits, fileBytes: source.length });
    const plan = choosePlan(planned, gate.whole, share);
    const leave = await gate.enter(plan, signal, () =>
      progress.reportNow({ phase: 'waiting for memory', completed: 0, total: 1, unit: 'step' }),
    );
    // Its plan counts the file too.
    fetched.leave();
    let scratchDirectory: string | undefined;
    try {
      if (plan.disk > 0) scratchDirectory = await newScratchFolder(this.#services.scratchDirectory, job.id);
      const room = { scratchDirectory, maxPixelsInMemory: plan.maxPixelsInMemory };
      const result = await this.#runTask(
        { source, info, room, context, watch, turn: turnOf(job) },
        use.model,
        job,
      );
      signal.throwIfAborted();
      this.#observe(job, use.model, info, watch);
      const files = await this.#store(job, result, context, watch);
      const { width, height, format, pages } = info;
      const facts = { ...result.facts, input: { width, height, format, pages } };
      return { output: stored.keep({ files, facts }), timings: watch.read() };
    } finally {
      if (scratchDirectory !== undefined) await rm(scratchDirectory, { recursive: true, force: true });
      leave();
    }
  }

  async discard(job: Job): Promise<void> {
    await this.#services.results.erasePrefix(resultKey(job.id, job.fence, ''));
  }

  async tidy(job: Job): Promise<void> {
    await this.#services.results.erasePrefix(resultPrefix(job.id), resultKey(job.id, job.fence, ''));
  }

  #observe(job: Job, { manifest }: LoadedModel, { width, height }: ImageInfo, watch: Stopwatch): void {
    const units = costUnits(manifest, (width * height) / 1e6);
    this.#services.costs.observe(costKey(manifest, job.parameters), units, watch.spent('device_ms') / 1000);
  }

  #runTask(attempt: Attempt, model: LoadedModel, job: Job): Promise<TaskResult> {
    const { device } = this.#services;
    const parameters: unknown = parametersFor(model.manifest).parse(job.parameters);
    if (isTask(model, 'super-resolution')) {
      return enlarge(attempt, model, parameters as ParametersOf['super-resolution'], device);
    }
    if (isTask(model, 'classification')) {
      return classify(attempt, model, parameters as ParametersOf['classification'], device);
    }
    return detect(attempt, model, parameters as ParametersOf['object-detection'], device);
  }

  async #store(
    job: Job,
    { pictures }: TaskResult,
    { signal, progress }: JobContext,
    watch: Stopwatch,
  ): Promise<Record<string, ResultFile>> {
    await progress.enter({ phase: 'storing', completed: 0, total: 1, unit: 'step' });
    const stored = Object.entries(pictures).map(async ([role, { body, bytes, width, height, format }]) => {
      const extension = fileExtension[format];
      const key = resultKey(job.id, job.fence, `${role}.${extension}`);
      const contentType = `image/${format}`;
      const fileName = `${baseName(job)}-${suffix[role] ?? role}.${extension}`;
      await this.#services.results
        .put(key, body, { contentType, fileName, signal })
        .catch((cause: unknown) => {
          throw new OutboardError('storage_failed', { cause });
        });
      return [role, { key, content_type: contentType, bytes, width, height }] as const;
    });
    return Object.fromEntries(await watch.time('store_ms', () => Promise.all(stored)));
  }
}

const turnOf = ({ tenant, id, priority = 'normal', deadline_at }: Job): Turn => ({
  tenant,
  job: id,
  priority,
  deadline: Date.parse(deadline_at),
});

/** What results are named after when somebody downloads them. */
function baseName({ input }: Job): string {
  const name =
    input.name ?? (input.kind === 'url' ? new URL(input.url).pathname.split('/').at(-1) : undefined);
  return path.parse(name ?? '').name || 'picture';
}

/**
 * The answer that the same picture, model version and parameters got before. Only facts are kept: pictures belong to
 * the job that made them and are erased with it.
 */
class StoredAnswer {
  readonly #predictions: Services['predictions'];
  readonly #key: string | undefined;
  readonly #mayRead: boolean;
  /** SHA-256 of the file. */
  readonly picture: string;

  constructor(predictions: Services['predictions'], job: Job, { manifest }: LoadedModel, source: Buffer) {
    this.#predictions = predictions;
    const makesPictures = manifest.task === 'super-resolution' || job.parameters.annotated === true;
    this.picture = createHash('sha256').update(source).digest('hex');
    const parameters = Object.entries(job.parameters).sort(([a], [b]) => (a < b ? -1 : 1));
    const parts = [
      job.tenant,
      versionOf(manifest),
      manifest.graphs.map(({ sha256 }) => sha256),
      parameters,
      this.picture,
    ];
    this.#key = makesPictures ? undefined : createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    this.#mayRead = job.no_cache !== true;
  }

  async find(): Promise<JobOutput | undefined> {
    if (this.#key === undefined || !this.#mayRead) return undefined;
    const facts = await this.#predictions.get(this.#key);
    return facts === undefined ? undefined : { files: {}, facts, cache: 'hit' };
  }

  keep(output: JobOutput): JobOutput {
    if (this.#key === undefined) return output;
    // Nobody waits for it, and it never fails.
    void this.#predictions.put(this.#key, output.facts);
    return { ...output, cache: 'miss' };
  }
}
