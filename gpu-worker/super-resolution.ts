/**
 * The pipeline of a super-resolution job: fetch → probe → decode → enlarge by tiles → encode → store, and the
 * bicubic enlargement beside it. Each step checks its limits before it spends memory; nothing is written to the row.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, resultKey, resultPrefix } from '../shared/aws/object-store.ts';
import { OutboardError } from '../shared/errors.ts';
import type { Job, JobOutput, ResultFile } from '../shared/job.ts';
import { versionOf } from '../shared/model.ts';
import { type SuperResolutionParameters, superResolutionParameters } from '../shared/requests.ts';
import { enlargeTiles } from './enlarge-tiles.ts';
import type { FetchInput } from './fetch-input.ts';
import { enlargeBicubic } from './image/bicubic.ts';
import type { Canvas } from './image/canvas.ts';
import { decodeImage, type Raster } from './image/decode.ts';
import { type Encoded, encodeImage } from './image/encode.ts';
import type { Pixels, Room } from './image/pixels.ts';
import { checkEnlargement, type ImageInfo, probeImage } from './image/probe.ts';
import type { DevicePool } from './inference/device-pool.ts';
import type { LoadedGraph, ModelRegistry } from './model-registry.ts';
import type { JobContext, Pipeline } from './run-job.ts';
import { Stopwatch } from './stopwatch.ts';

interface Services {
  readonly fetchInput: FetchInput;
  readonly results: Pick<ObjectStore, 'put' | 'erasePrefix'>;
  readonly models: Pick<ModelRegistry, 'resolve' | 'graph'>;
  readonly device: Pick<DevicePool, 'acquire' | 'slotCount'>;
  readonly scratchDirectory: string;
  readonly limits: { readonly maxInputPixels: number; readonly maxOutputPixels: number };
}

export class SuperResolution implements Pipeline {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  versionFor(job: Job): string {
    return versionOf(this.#services.models.resolve(job.model_version ?? job.model));
  }

  async run(job: Job, context: JobContext): Promise<Awaited<ReturnType<Pipeline['run']>>> {
    const { scratchDirectory } = this.#services;
    await mkdir(scratchDirectory, { recursive: true });
    const scratch = await mkdtemp(path.join(scratchDirectory, `${job.id}-`));
    try {
      return await new Enlargement(this.#services, job, context, { scratchDirectory: scratch }).run();
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  async discard(job: Job): Promise<void> {
    await this.#services.results.erasePrefix(resultKey(job.id, job.fence, ''));
  }

  async tidy(job: Job): Promise<void> {
    await this.#services.results.erasePrefix(resultPrefix(job.id), resultKey(job.id, job.fence, ''));
  }
}

const fileExtension = { png: 'png', jpeg: 'jpg', webp: 'webp' } as const;

/** One attempt at one job. */
class Enlargement {
  readonly #services: Services;
  readonly #job: Job;
  readonly #context: JobContext;
  readonly #room: Room;
  readonly #parameters: SuperResolutionParameters;
  readonly #watch = new Stopwatch();

  constructor(services: Services, job: Job, context: JobContext, room: Room) {
    this.#services = services;
    this.#job = job;
    this.#context = context;
    this.#room = room;
    this.#parameters = superResolutionParameters.parse(job.parameters);
    this.#watch.add('queue_ms', Date.now() - Date.parse(job.enqueued_at ?? job.created_at));
  }

  async run(): Promise<{ output: JobOutput; timings: ReturnType<Stopwatch['read']> }> {
    const { models, limits } = this.#services;
    const { upscale_factor: factor, output_format: format } = this.#parameters;
    const { signal, progress } = this.#context;
    const graph = models.graph(models.resolve(this.#job.model_version ?? this.#job.model), factor);

    progress.report({ phase: 'fetching', completed: 0, total: 1, unit: 'step' });
    const source = await this.#watch.time('fetch_ms', () =>
      this.#services.fetchInput(this.#job.input, signal),
    );

    progress.report({ phase: 'decoding', completed: 0, total: 1, unit: 'step' });
    const info = await probeImage(source, limits);
    checkEnlargement(info, factor, limits, format);
    await using pixels = new AsyncDisposableStack();
    const keep = <T extends { dispose(): Promise<void> }>(owned: T): T =>
      pixels.adopt(owned, (owner) => owner.dispose());
    const picture = keep(await this.#watch.time('decode_ms', () => decodeImage(source, info, this.#room)));
    signal.throwIfAborted();

    const canvas = keep(await this.#watch.time('compute_ms', () => this.#enlarge(picture, graph)));
    const files = await this.#watch.time('encode_ms', async () => {
      progress.report({ phase: 'encoding', completed: 0, total: 2, unit: 'step' });
      const alpha = picture.alpha && keep(await enlargeBicubic(picture.alpha, factor, this.#room));
      const sr = await this.#encode({ color: canvas.finish(), alpha });
      await canvas.dispose();
      signal.throwIfAborted();
      const bicubic = keep(await enlargeBicubic(picture.color, factor, this.#room));
      return { sr_image: sr, original_image: await this.#encode({ color: bicubic, alpha }) };
    });
    signal.throwIfAborted();
    return {
      output: { files: await this.#store(files), facts: this.#facts(info) },
      timings: this.#watch.read(),
    };
  }

  #enlarge(picture: Raster, graph: LoadedGraph): Promise<Canvas> {
    const { signal, progress } = this.#context;
    return enlargeTiles(picture, graph, {
      device: this.#services.device,
      room: this.#room,
      signal,
      onTile: (completed, total) => progress.report({ phase: 'enlarging', completed, total, unit: 'tile' }),
    });
  }

  #encode(picture: { readonly color: Pixels; readonly alpha?: Pixels | undefined }): Promise<Encoded> {
    const { output_format: format, quality } = this.#parameters;
    return encodeImage(picture, { format, quality }, this.#room);
  }

  async #store(pictures: Record<string, Encoded>): Promise<Record<string, ResultFile>> {
    const { output_format: format } = this.#parameters;
    const extension = fileExtension[format];
    const contentType = `image/${format}`;
    const { signal, progress } = this.#context;
    progress.report({ phase: 'storing', completed: 0, total: 1, unit: 'step' });
    const stored = Object.entries(pictures).map(async ([role, { body, bytes, width, height }]) => {
      const key = resultKey(this.#job.id, this.#job.fence, `${role}.${extension}`);
      const fileName = `${this.#baseName()}-${role === 'sr_image' ? 'enlarged' : 'bicubic'}.${extension}`;
      await this.#services.results
        .put(key, body, { contentType, fileName, signal })
        .catch((cause: unknown) => {
          throw new OutboardError('storage_failed', { cause });
        });
      return [role, { key, content_type: contentType, bytes, width, height }] as const;
    });
    return Object.fromEntries(await this.#watch.time('store_ms', () => Promise.all(stored)));
  }

  /** What results are named after when somebody downloads them. */
  #baseName(): string {
    const { input } = this.#job;
    const name = input.kind === 'url' ? new URL(input.url).pathname.split('/').at(-1) : input.name;
    return path.parse(name ?? '').name || 'picture';
  }

  #facts(info: ImageInfo): Record<string, unknown> {
    const { upscale_factor: factor } = this.#parameters;
    const { width, height, format, pages } = info;
    return {
      upscale_factor: factor,
      width: width * factor,
      height: height * factor,
      input: { width, height, format, pages },
    };
  }
}
