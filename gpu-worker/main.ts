/**
 * The worker process: reads the environment, puts everything together, warms the device, and only then asks for its
 * first job. It is crash-only: whatever it cannot trust any more ends it, and leases bring the jobs back elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { connectFleet, connectJobs, connectPredictions, connectQueue } from '../shared/aws/connect.ts';
import { connectModels } from '../shared/aws/connect-catalog.ts';
import { connectPublisher } from '../shared/aws/connect-channel.ts';
import { connectObjects } from '../shared/aws/connect-objects.ts';
import { readWorkerEnvironment } from '../shared/environment.ts';
import type { Job } from '../shared/job.ts';
import { createLogger } from '../shared/log.ts';
import { CloudMetrics } from './cloud-metrics.ts';
import { deviceMemoryReader } from './device-memory.ts';
import { Door } from './door.ts';
import { inputFetcher } from './fetch-input.ts';
import { Heartbeat } from './heartbeat.ts';
import { DevicePool } from './inference/device-pool.ts';
import { LateDeletes } from './late-deletes.ts';
import { memoryBudget } from './memory-budget.ts';
import { MemoryGate } from './memory-gate.ts';
import { Metrics } from './metrics.ts';
import { ModelCosts } from './model-costs.ts';
import { ModelRegistry } from './model-registry.ts';
import { PicturePipeline } from './pipeline.ts';
import { mostPlaces, Places } from './places.ts';
import { ScaleInProtection } from './scale-in-protection.ts';
import { scratchBytes, sweepScratch } from './scratch.ts';
import { Worker } from './worker.ts';

/** What is logged leaves the process a moment later. */
const LAST_WORDS_MS = 250;
const METRICS_HOST = '127.0.0.1';
const CUDA_THREADS = 2;
const CLOUD_METRICS_EVERY_MS = 60_000;
/** On the CPU a batch costs what its pictures cost: docs/architecture.md, "How a batch is formed". */
const USUAL_BATCH = { cpu: 1, cuda: 8 } as const;

// Before the first session: from 1.29 on onnxruntime tells its makers about every model it loads, unless this is set.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

const settings = readWorkerEnvironment(process.env);
const log = createLogger('worker', settings.OUTBOARD_LOG_LEVEL);
const workerId = settings.OUTBOARD_WORKER_ID ?? `${hostname()}-${randomUUID().slice(0, 8)}`;

const threads =
  settings.OUTBOARD_DEVICE_THREADS ||
  (settings.OUTBOARD_DEVICE === 'cuda' ? CUDA_THREADS : availableParallelism());
const batchSize = settings.OUTBOARD_BATCH_SIZE || USUAL_BATCH[settings.OUTBOARD_DEVICE];
const weights = new Map(settings.OUTBOARD_TENANT_WEIGHTS);
const device = new DevicePool({
  device: settings.OUTBOARD_DEVICE,
  threads,
  batchSize,
  weightOf: (tenant) => weights.get(tenant) ?? 1,
  maxFailures: settings.OUTBOARD_DEVICE_FAILURES,
  hungAfterMs: settings.OUTBOARD_HUNG_SECONDS * 1000,
  onRun: (run) => {
    metrics.device.observe(run);
    cloudMetrics.countRun(run);
  },
  onPlaced: ({ path, placement }) => log.info({ graph: path, placement }, 'session opened'),
  onFatal: (error) => {
    // One reason is enough: behind a run that hangs, others do.
    if (metrics.health === 'failed') return;
    metrics.health = 'failed';
    log.error({ err: error }, 'the device cannot be trusted any more; leaving');
    // exit() waits for every thread, and one that hangs in a driver never comes.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
  },
});

const models = new ModelRegistry({
  ...connectModels(settings),
  device,
  directory: settings.OUTBOARD_MODELS_DIRECTORY,
  memoryBudget: settings.OUTBOARD_MODEL_MEMORY_BYTES,
  log,
  onLoadFailed: (version) => {
    metrics.countLoadFailure(version);
    cloudMetrics.countLoadFailure();
  },
});

const cloudMetrics = new CloudMetrics({
  stage: settings.OUTBOARD_STAGE,
  log,
  gauges: () => ({
    EventLoopDelayMilliseconds: [metrics.eventLoopDelayMs(99), 'Milliseconds'],
    ModelMemoryBytes: [models.bytes(), 'Bytes'],
  }),
});
const costs = new ModelCosts();
const asked = settings.OUTBOARD_CONCURRENT_JOBS;
const least = asked || threads * batchSize * 2;
const places = new Places(least, asked || mostPlaces(least, availableParallelism()));
/** As many of the largest files as jobs that are always in hand; many more small ones fit. */
const waitingBytes = least * settings.OUTBOARD_MAX_INPUT_BYTES;
const scratchDirectory = settings.OUTBOARD_SCRATCH_DIRECTORY;
const swept = await sweepScratch(scratchDirectory);
const memory = new MemoryGate({
  memory:
    settings.OUTBOARD_MEMORY_BYTES ||
    memoryBudget(
      { containerBytes: process.constrainedMemory(), totalBytes: totalmem() },
      {
        modelBytes: settings.OUTBOARD_MODEL_MEMORY_BYTES,
        waitingBytes,
      },
    ),
  disk: settings.OUTBOARD_SCRATCH_BYTES || (await scratchBytes(scratchDirectory)),
});
const publish = connectPublisher(settings, log);
/** Telling must never hold up the work. */
const tellListeners = async (job: Job): Promise<void> => void publish(job);
const { jobs, index } = connectJobs(settings, tellListeners);
const queue = new LateDeletes(connectQueue(settings), log);
const worker = new Worker({
  jobs,
  index,
  queue,
  pipeline: new PicturePipeline({
    fetchInput: inputFetcher({
      uploads: connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET),
      maxBytes: settings.OUTBOARD_MAX_INPUT_BYTES,
      timeoutMs: settings.OUTBOARD_FETCH_TIMEOUT_SECONDS * 1000,
      allowedOrigins: settings.OUTBOARD_FETCH_ALLOWED_ORIGINS,
    }),
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
    models,
    predictions: connectPredictions(settings, settings.OUTBOARD_PREDICTION_CACHE_SECONDS),
    device,
    scratchDirectory,
    memory: {
      door: new Door(new MemoryGate({ memory: waitingBytes, disk: 0 }), settings.OUTBOARD_MAX_INPUT_BYTES),
      gate: memory,
      share: memory.whole.memory / least,
    },
    limits: {
      maxInputPixels: settings.OUTBOARD_MAX_INPUT_PIXELS,
      maxOutputPixels: settings.OUTBOARD_MAX_OUTPUT_PIXELS,
    },
    costs,
  }),
  workerId,
  leaseSeconds: settings.OUTBOARD_LEASE_SECONDS,
  quarantineAfter: settings.OUTBOARD_QUARANTINE_AFTER,
  pollSeconds: settings.OUTBOARD_POLL_SECONDS,
  places: () => places.now,
  log,
  onResult: (finished, heldMs) => {
    metrics.count(finished);
    cloudMetrics.count(finished);
    if (finished.timings !== undefined) places.observe(heldMs, finished.timings);
  },
  onBusy: () => protection.update(),
});
const metrics: Metrics = new Metrics(
  {
    id: workerId,
    device: settings.OUTBOARD_DEVICE,
    models: () => models.loaded(),
    modelBytes: () => models.bytes(),
    ...(settings.OUTBOARD_DEVICE === 'cuda' ? { deviceMemory: deviceMemoryReader() } : {}),
  },
  () => worker.busy,
  device,
  memory,
);
const startedAt = new Date().toISOString();
const heartbeat = new Heartbeat({
  fleet: connectFleet(settings),
  describe: () => ({
    id: workerId,
    state: metrics.health === 'ready' || metrics.health === 'draining' ? metrics.health : 'loading',
    device: settings.OUTBOARD_DEVICE,
    busy: worker.busy,
    places: places.now,
    models: models.loaded(),
    started_at: startedAt,
  }),
  costs,
  everyMs: settings.OUTBOARD_HEARTBEAT_SECONDS * 1000,
  log,
});
const protection: ScaleInProtection = new ScaleInProtection({
  agentUri: settings.ECS_AGENT_URI,
  busy: () => worker.busy,
  log,
});
const closeMetrics = await metrics.serve(METRICS_HOST, settings.OUTBOARD_METRICS_PORT);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    metrics.health = 'draining';
    heartbeat.beat();
    worker.stop(settings.OUTBOARD_SHUTDOWN_SECONDS * 1000);
  });
}

heartbeat.start();
protection.start();
const start = performance.now();
await models.start();
metrics.health = 'ready';
heartbeat.beat();
log.info(
  {
    worker: workerId,
    device: settings.OUTBOARD_DEVICE,
    threads,
    memory_megabytes: Math.round(memory.whole.memory / 1e6),
    scratch_megabytes: Math.round(memory.whole.disk / 1e6),
    swept,
    warm_ms: Math.round(performance.now() - start),
  },
  'ready',
);
const looking = setInterval(() => void models.refresh(), settings.OUTBOARD_MODEL_REFRESH_SECONDS * 1000);
const telling = setInterval(() => cloudMetrics.flush(), CLOUD_METRICS_EVERY_MS);
await worker.run();
await queue.flush();
clearInterval(telling);
cloudMetrics.flush();
clearInterval(looking);
log.info(
  { event_loop_p99_ms: Number(metrics.eventLoopDelayMs(99).toFixed(1)) },
  'every job is settled; leaving',
);
await protection.stop();
await heartbeat.stop();
await device.close();
await closeMetrics();
