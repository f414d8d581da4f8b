/** What is asked of the worker: one kind of job a case, all made from the project's own photograph. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newJob } from '../functions/jobs/submit.ts';
import { type Sharp, sharp } from '../gpu-worker/image/sharp.ts';
import { type LoadedModel, pictureGraph } from '../gpu-worker/loaded-model.ts';
import { planTiles } from '../gpu-worker/tensor/tiles.ts';
import { connectJobs, connectQueue } from '../shared/aws/connect.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import { inputKey } from '../shared/aws/input-keys.ts';
import { readFunctionsEnvironment } from '../shared/environment.ts';
import { newJobId } from '../shared/job.ts';

export const MODEL = 'super-resolution-tiny';

export interface Case {
  readonly width: number;
  readonly height: number;
  readonly factor: number;
  readonly format: 'png' | 'jpeg' | 'webp';
  /** What the picture comes as; a JPEG where it is not said. */
  readonly input?: InputKind;
}

/** Decoders hold different parts of a picture: each kind has its term in docs/memory.md. */
const inputKinds = {
  jpeg: (image: Sharp) => image.jpeg({ quality: 92 }),
  'progressive jpeg': (image: Sharp) => image.jpeg({ quality: 85, progressive: true }),
  'progressive jpeg 4:4:4': (image: Sharp) =>
    image.jpeg({ quality: 85, progressive: true, chromaSubsampling: '4:4:4' }),
  'turned jpeg': (image: Sharp) => image.withMetadata({ orientation: 6 }).jpeg({ quality: 85 }),
  png: (image: Sharp) => image.png({ compressionLevel: 2 }),
  'png with alpha': (image: Sharp) => image.ensureAlpha(0.5).png({ compressionLevel: 2 }),
  'interlaced png': (image: Sharp) => image.png({ compressionLevel: 2, progressive: true }),
  webp: (image: Sharp) => image.webp({ effort: 0 }),
  gif: (image: Sharp) => image.gif({ effort: 1, colours: 32 }),
  tiff: (image: Sharp) => image.tiff({ compression: 'jpeg' }),
  avif: (image: Sharp) => image.avif({ effort: 0 }),
} as const;
type InputKind = keyof typeof inputKinds;

export const nameOf = ({ width, height, factor, format, input }: Case): string =>
  `${input === undefined ? '' : `${input} `}${width}×${height} ×${factor} ${format}`;

export function picture({
  width,
  height,
  input = 'jpeg',
}: Pick<Case, 'width' | 'height' | 'input'>): Promise<Buffer> {
  const photo = path.resolve(import.meta.dirname, '../test/fixtures/photo.jpg');
  return inputKinds[input](sharp(photo).resize(width, height, { fit: 'fill' })).toBuffer();
}

/** The graph a case needs, how often a job runs it, and on what shape. */
export function deviceWork(model: LoadedModel<'super-resolution'>, { width, height, factor }: Case) {
  const loaded = pictureGraph(model, factor);
  const { tile, receptive_radius: overlap } = loaded.graph;
  if (overlap === null) throw new Error(`${MODEL} cannot be tiled`);
  const tiles = planTiles({ width, height, tileWidth: tile.width, tileHeight: tile.height, overlap });
  const shape = { height: Math.min(height, tile.height), width: Math.min(width, tile.width) };
  const isLane = shape.height === tile.height && shape.width === tile.width;
  return { loaded, runs: tiles.length, shape, isLane };
}

/** The stores as both halves of the system have them. */
export function connectStores(environment: Record<string, string>) {
  const settings = readFunctionsEnvironment(environment);
  return {
    settings,
    jobs: connectJobs(settings).jobs,
    queue: connectQueue(settings),
    uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
  };
}

export type Stores = ReturnType<typeof connectStores>;

/** Accepts `count` jobs as the API would: input, rows, then messages. @returns their ids */
export async function submitJobs(stores: Stores, asked: Case, count: number): Promise<string[]> {
  const { settings, jobs, queue, uploads } = stores;
  const key = inputKey('bench', `${asked.width}x${asked.height}-${asked.input ?? 'jpeg'}`);
  await uploads.put(key, await picture(asked), { contentType: 'image/jpeg' });
  const rows = Array.from({ length: count }, () =>
    newJob(
      {
        id: newJobId(),
        tenant: 'bench',
        task: 'super-resolution',
        model: MODEL,
        parameters: { upscale_factor: asked.factor, output_format: asked.format },
        input: { kind: 'object', bucket: uploads.bucket, key },
        requestHash: '',
      },
      settings,
      new Date(),
    ),
  );
  await Promise.all(rows.map((row) => jobs.create(row)));
  await Promise.all(rows.map((row) => queue.send(row.id, row.tenant)));
  return rows.map(({ id }) => id);
}

export const temporaryDirectory = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'outboard-bench-'));
