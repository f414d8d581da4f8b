/**
 * `npm run bench`: measures what the README promises and writes bench/results/latest.json and latest.md (a part of it:
 * files named after that part). Everything that counts is a ratio of two things measured in the same run, in turns, so
 * that a noisy machine disturbs both.
 *
 *   node bench/run.ts [throughput] [device] [models] [aws-cost] [bundles] [memory] [plans] [slope] [--quick] [--device cuda] [--repeats 3]
 *                     [--yolox FILE]                                 the detector of `models`, an ONNX file of YOLOX-nano
 *   node bench/run.ts growth [--full]                                  how cost grows
 *   node bench/run.ts listeners [--quick]                              of channels, all at once
 *   node bench/run.ts peers [--quick] [--repeats 3] [--only Flask]     against what people build today
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { seedModels } from '../local/seed-models.ts';
import { names, stackEnvironment, workerAllocator } from '../local/settings.ts';
import { connectModels } from '../shared/aws/connect-catalog.ts';
import { type AwsFigures, measureAwsCost } from './aws-cost.ts';
import { type BundleFigures, measureBundles } from './bundles.ts';
import { type Case, connectStores, nameOf, temporaryDirectory } from './cases.ts';
import { Child } from './child.ts';
import { measureGrowth } from './growth/measure.ts';
import { measureListeners } from './listeners/measure.ts';
import { CORES, describeMachine, type Machine } from './machine.ts';
import { type MemoryFigures, tiledMemory, wholeMemory } from './memory.ts';
import { type ModelFigures, measureModels } from './models/measure.ts';
import type { Parts, PartsQuestion } from './parts.ts';
import { comparePeers } from './peers/compare.ts';
import { measurePlan, type PlanFigures, planCases } from './plans.ts';
import { markdown } from './report.ts';
import { measureSlope, type SlopeFigures } from './slope.ts';
import { enlarging, type Load, load, partsMs } from './throughput.ts';
import { withWorker } from './worker.ts';

export interface ThroughputFigures {
  readonly asked: Case;
  readonly repeats: readonly { readonly parts: Parts; readonly load: Load }[];
}
export interface EmulatedFigures {
  readonly asked: Case;
  /** Of one run, whatever is in it. */
  readonly deviceMs: number;
  readonly batch: number;
  readonly threads: number;
  /** `fill`: pictures of a run by the most it takes, over the whole load. */
  readonly repeats: readonly (Load & { readonly fill: number })[];
}
export interface Results {
  readonly date: string;
  readonly device: string;
  readonly threads: number;
  readonly machine: Machine;
  readonly throughput: readonly ThroughputFigures[];
  readonly emulated: readonly EmulatedFigures[];
  readonly models: readonly ModelFigures[];
  readonly awsCost: readonly AwsFigures[];
  readonly bundles: readonly BundleFigures[];
  readonly memory: readonly MemoryFigures[];
  readonly plans: readonly PlanFigures[];
  readonly slope?: SlopeFigures;
}

const PORT = Number(process.env.BENCH_PORT ?? 3800);
const CUDA_THREADS = 2;
/** For one picture: slow enough that two cores can encode what the device computes. */
const EMULATED_MS = 250;
const EMULATED_BATCHES = [1, 4];
/** A whole picture through the graph is run up to this size only. */
const WHOLE_UP_TO_MEGAPIXELS = 4;
const SLOPE_JOBS = 10_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    device: { type: 'string', default: 'cpu' },
    repeats: { type: 'string', default: '3' },
    only: { type: 'string' },
    full: { type: 'boolean', default: false },
    yolox: { type: 'string' },
  },
});
const { quick, only } = flags;
// These have services of their own, and files of their own for what they measure.
if (positionals.includes('growth')) await measureGrowth({ port: PORT, full: flags.full });
if (positionals.includes('listeners')) await measureListeners({ port: PORT, quick });
if (positionals.includes('peers'))
  await comparePeers({ port: PORT, repeats: Number(flags.repeats), quick, only });
const others = positionals.filter((name) => !['growth', 'listeners', 'peers'].includes(name));
if (positionals.length > 0 && others.length === 0) process.exit();
const everything = ['throughput', 'device', 'models', 'aws-cost', 'bundles', 'memory', 'plans', 'slope'];
const sections = others.length > 0 ? others : everything;
const device = flags.device === 'cuda' ? 'cuda' : 'cpu';
const threads = device === 'cuda' ? CUDA_THREADS : CORES;
const places = threads * 2;
const seconds = quick ? { part: 0.2, load: 1.5 } : { part: 0.4, load: 3 };

const square = (side: number) => ({ width: side, height: side });
const VGA = { width: 640, height: 480 };
const cases: Case[] = quick
  ? [
      { ...square(256), factor: 4, format: 'png' },
      { ...VGA, factor: 4, format: 'jpeg' },
    ]
  : [
      { ...square(64), factor: 4, format: 'png' },
      { ...square(256), factor: 4, format: 'png' },
      { ...square(256), factor: 4, format: 'jpeg' },
      { ...VGA, factor: 2, format: 'jpeg' },
      { ...VGA, factor: 4, format: 'jpeg' },
      { ...VGA, factor: 4, format: 'png' },
      { width: 1280, height: 960, factor: 4, format: 'jpeg' },
    ];
const memorySizes = [
  { width: 1152, height: 864 },
  { width: 2048, height: 1536 },
  { width: 4000, height: 3000 },
].slice(0, quick ? 1 : 3);

const directory = await temporaryDirectory();
const environment: Record<string, string> = {
  // As the worker's container has it.
  ORT_DISABLE_TELEMETRY: '1',
  ...workerAllocator,
  ...stackEnvironment({ port: PORT, directory }),
  OUTBOARD_DEVICE: device,
  OUTBOARD_DEVICE_THREADS: String(threads),
  OUTBOARD_CONCURRENT_JOBS: String(places),
};
Object.assign(process.env, environment);
const script = (name: string) => path.join(import.meta.dirname, name);
const services = new Child([script('services.ts'), String(PORT), directory]);
const stores = connectStores(environment);
await services.ask('stored');
await seedModels(connectModels(stores.settings));

const port = environment.OUTBOARD_METRICS_PORT;
const jobsFor = (milliseconds: number) =>
  Math.min(400, Math.max(places * 2 + 2, Math.ceil((seconds.load * 1000 * CORES) / milliseconds)));

async function measureThroughput(): Promise<ThroughputFigures[]> {
  // A queue of its own: the worker must not take the jobs on which the calls' cost is measured.
  const ownQueue = environment.OUTBOARD_QUEUE_URL?.replace(names.queue, names.deadLetters) ?? '';
  const parts = new Child([script('parts.ts')], { OUTBOARD_QUEUE_URL: ownQueue });
  const figures = cases.map((asked) => ({ asked, repeats: [] as { parts: Parts; load: Load }[] }));
  await withWorker({ port }, async (worker) => {
    for (let repeat = 0; repeat < Number(flags.repeats); repeat++) {
      for (const { asked, repeats } of figures) {
        const question: PartsQuestion = { asked, device, threads, seconds: seconds.part };
        const alone = await parts.ask<Parts>(question);
        const loaded = await load(
          { worker, stores, places },
          enlarging(stores, services, asked),
          jobsFor(partsMs(alone)),
        );
        repeats.push({ parts: alone, load: loaded });
        const [work, busy] = [partsMs(alone) / loaded.cpuMs, loaded.busy].map((share) =>
          Math.round(share * 100),
        );
        console.log(`${nameOf(asked).padEnd(20)} work ${work} %  busy ${busy} %`);
      }
    }
  });
  await parts.close();
  return figures;
}

/** Sums of the worker's histogram of batch fill since it began. */
async function batchFill(): Promise<{ readonly sum: number; readonly count: number }> {
  const text = await (await fetch(`http://127.0.0.1:${environment.OUTBOARD_METRICS_PORT}/metrics`)).text();
  const total = (name: string) =>
    [...text.matchAll(new RegExp(`^outboard_batch_fill_ratio_${name}\\{.*\\} (.+)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  return { sum: total('sum'), count: total('count') };
}

async function measureEmulated(batch: number): Promise<EmulatedFigures> {
  const asked: Case = { ...square(256), factor: 4, format: 'jpeg' };
  const repeats: EmulatedFigures['repeats'][number][] = [];
  const deviceMs = EMULATED_MS * batch;
  // It may take twice what the device takes, and no more on two cores.
  const inHand = places * batch * 2;
  const count = Math.round((seconds.load * 1000 * threads * batch) / deviceMs) + inHand * 2;
  const emulated = {
    BENCH_DEVICE_MS: String(deviceMs),
    OUTBOARD_BATCH_SIZE: String(batch),
    // As many as it finds right.
    OUTBOARD_CONCURRENT_JOBS: '0',
  };
  await withWorker({ port, preloads: ['emulated-device.ts'], environment: emulated }, async (worker) => {
    const bench = { worker, stores, places: inHand };
    const workload = enlarging(stores, services, asked);
    await load(bench, workload, inHand * 2 + 2);
    for (let repeat = 0; repeat < Number(flags.repeats); repeat++) {
      const before = await batchFill();
      const loaded = await load(bench, workload, count);
      const after = await batchFill();
      const fill = (after.sum - before.sum) / (after.count - before.count);
      repeats.push({ ...loaded, fill });
    }
  });
  return { asked, deviceMs, batch, threads, repeats };
}

async function measureAws(): Promise<AwsFigures[]> {
  const worker = new Child([script('aws-worker.ts')]);
  const [jobs, repeats] = [quick ? 200 : 1_000, Number(flags.repeats)];
  try {
    const figures: AwsFigures[] = [];
    for (const kind of ['classification', 'super-resolution'] as const)
      figures.push(await measureAwsCost(worker, stores, { kind, jobs, repeats }));
    return figures;
  } finally {
    await worker.close();
  }
}

async function measureMemory(): Promise<MemoryFigures[]> {
  const figures: MemoryFigures[] = [];
  for (const size of memorySizes) {
    const asked: Case = { ...size, factor: 4, format: 'jpeg' };
    const megapixels = (size.width * size.height) / 1e6;
    const tiled = await withWorker({ port }, (worker) => tiledMemory(worker, stores, asked));
    const whole = megapixels < WHOLE_UP_TO_MEGAPIXELS ? { whole: await wholeMemory(asked) } : {};
    figures.push({ megapixels, tiled, ...whole });
  }
  return figures;
}

async function measurePlans(): Promise<PlanFigures[]> {
  const figures: PlanFigures[] = [];
  for (const asked of quick ? planCases.slice(0, 2) : planCases) {
    const work = (worker: Child) => measurePlan(worker, stores, asked);
    // An interlaced PNG of 24 megapixels has more bytes than a worker usually takes.
    const more = { BENCH_DEVICE_MS: '1', OUTBOARD_MAX_INPUT_BYTES: '200000000' };
    figures.push(await withWorker({ port, preloads: ['emulated-device.ts'], environment: more }, work));
    console.log(nameOf(asked), figures.at(-1));
  }
  return figures;
}

let results: Results = {
  date: new Date().toISOString().slice(0, 10),
  device,
  threads,
  machine: await describeMachine(),
  throughput: [],
  emulated: [],
  models: [],
  awsCost: [],
  bundles: [],
  memory: [],
  plans: [],
};

/** Written after every section: a long run that is stopped keeps what it has. */
async function save(more: Partial<Results>): Promise<void> {
  results = { ...results, ...more };
  const folder = script('results');
  await mkdir(folder, { recursive: true });
  // A part of the bench must not take the place of the whole.
  const name = positionals.length > 0 ? positionals.join('-') : 'latest';
  await writeFile(path.join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(path.join(folder, `${name}.md`), markdown(results));
}

try {
  const wants = (section: string) => sections.includes(section);
  if (wants('throughput')) await save({ throughput: await measureThroughput() });
  if (wants('device'))
    for (const batch of EMULATED_BATCHES)
      await save({ emulated: [...results.emulated, await measureEmulated(batch)] });
  if (wants('models')) {
    // Their runs take tens of milliseconds: few of them say little.
    const longer = { ...seconds, part: seconds.part * 2 };
    const common = { stores, directory, port, device, threads } as const;
    const options = { ...common, repeats: Number(flags.repeats), seconds: longer, yolox: flags.yolox };
    await save({ models: await measureModels(options) });
  }
  if (wants('aws-cost')) await save({ awsCost: await measureAws() });
  if (wants('bundles')) await save({ bundles: await measureBundles(directory, environment, quick ? 3 : 15) });
  if (wants('memory')) await save({ memory: await measureMemory() });
  if (wants('plans')) await save({ plans: await measurePlans() });
  if (wants('slope')) {
    const jobs = quick ? 500 : SLOPE_JOBS;
    await save({
      slope: await withWorker({ port }, (worker) => measureSlope(worker, services, stores, jobs)),
    });
  }
  console.log(markdown(results));
} finally {
  await services.close();
  await rm(directory, { recursive: true, force: true });
}
