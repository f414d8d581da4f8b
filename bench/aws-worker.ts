/**
 * A worker whose device answers at once, for what the calls of AWS cost: the loop, claims, leases, stores and pictures are
 * gpu-worker's own. Asked to, it answers its calls itself instead of sending them, which leaves everything but their cost.
 */
import { Door } from '../gpu-worker/door.ts';
import { inputFetcher } from '../gpu-worker/fetch-input.ts';
import type { PlainTensors } from '../gpu-worker/inference/session.ts';
import { LateDeletes } from '../gpu-worker/late-deletes.ts';
import type { LoadedModel } from '../gpu-worker/loaded-model.ts';
import { MemoryGate } from '../gpu-worker/memory-gate.ts';
import { PicturePipeline } from '../gpu-worker/pipeline.ts';
import { Worker } from '../gpu-worker/worker.ts';
import { bundledModels } from '../local/bundled-models.ts';
import { connectJobs, connectPredictions, connectQueue } from '../shared/aws/connect.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import { readWorkerEnvironment } from '../shared/environment.ts';
import { versionOf } from '../shared/model.ts';
import { meetCalls } from './aws-calls.ts';
import type { TinyKind } from './aws-jobs.ts';
import { temporaryDirectory } from './cases.ts';
import { answerWith } from './child.ts';

export interface AwsQuestion {
  readonly jobs: number;
  readonly kind: TinyKind;
  /** The worker answers its calls itself. */
  readonly isStub: boolean;
}

export interface AwsAnswer {
  /** CPU of the whole process, a job. */
  readonly cpuMs: number;
  /** Calls a job by their name. */
  readonly calls: Readonly<Record<string, number>>;
}

/** As a worker with a GPU has them: two threads, eight pictures a run, and as many that decode and encode. */
const PLACES = 32;
const LEASE_SECONDS = 30;
/** No job here waits for memory. */
const ROOM = { memory: 4e9, disk: 4e9 };
const LARGEST = 1e6;

const settings = readWorkerEnvironment(process.env);
const models = await bundledModels();
const calls = meetCalls();
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const modelOf = (asked: string): LoadedModel => {
  const found = models.find(({ manifest }) => asked === manifest.name || asked === versionOf(manifest));
  if (found === undefined) throw new Error(`There is no bundled model ${asked}.`);
  return found;
};

const rows = 10;
/** Answers of the right form, in no time. */
const device: ConstructorParameters<typeof PicturePipeline>[0]['device'] = {
  lookahead: 4,
  async enlarge({ lane, fill, read }) {
    fill(new Uint8Array(lane.width * lane.height * 3));
    return read(new Uint8Array(lane.width * lane.height * 3 * lane.graph.scale ** 2));
  },
  async infer({ lane, fill, read }) {
    fill(new Uint8Array(lane.width * lane.height * 3));
    const names = lane.graph.outputNames;
    const tensors: PlainTensors = {
      [names[0] ?? '']: { dims: [1, rows], data: new BigInt64Array(rows) },
      [names[1] ?? '']: { dims: [1, rows], data: new Float32Array(rows) },
    };
    return read(tensors, 0, 1);
  },
};

const pipeline = new PicturePipeline({
  fetchInput: inputFetcher({
    uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
    maxBytes: settings.OUTBOARD_MAX_INPUT_BYTES,
    timeoutMs: 30_000,
    allowedOrigins: [],
  }),
  results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
  models: {
    versionFor: async (asked) => versionOf(modelOf(asked).manifest),
    use: async (asked) => ({ model: modelOf(asked), async [Symbol.asyncDispose]() {} }),
  },
  predictions: connectPredictions(settings, settings.OUTBOARD_PREDICTION_CACHE_SECONDS),
  device,
  memory: { door: new Door(new MemoryGate(ROOM), LARGEST), gate: new MemoryGate(ROOM), share: ROOM.memory },
  scratchDirectory: await temporaryDirectory(),
  limits: {
    maxInputPixels: settings.OUTBOARD_MAX_INPUT_PIXELS,
    maxOutputPixels: settings.OUTBOARD_MAX_OUTPUT_PIXELS,
  },
  costs: { observe() {} },
});

async function work({ jobs, kind, isStub }: AwsQuestion): Promise<AwsAnswer> {
  const counted = calls.begin(isStub ? { kind, jobs } : undefined);
  const results = new Set<string>();
  const queue = new LateDeletes(connectQueue(settings), silent);
  let left = jobs;
  const worker: Worker = new Worker({
    ...connectJobs(settings),
    queue,
    pipeline,
    workerId: 'bench',
    leaseSeconds: LEASE_SECONDS,
    places: () => PLACES,
    pollSeconds: 1,
    log: silent,
    onResult: ({ result }) => {
      results.add(result);
      left -= 1;
      if (left === 0) worker.stop(60_000);
    },
  });
  const before = process.cpuUsage();
  await worker.run();
  await queue.flush();
  const { user, system } = process.cpuUsage(before);
  if ([...results].join() !== 'succeeded') throw new Error(`Jobs are ${[...results]}`);
  const entries = Object.entries(counted()).map(([name, count]) => [name, count / jobs]);
  return { cpuMs: (user + system) / 1000 / jobs, calls: Object.fromEntries(entries) };
}

answerWith(work);
