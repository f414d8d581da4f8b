/**
 * What a job costs at the least: each of its parts alone, through the same modules, in CPU milliseconds. Every part
 * runs on all cores at once (cost.ts).
 */
import { bicubicGraph } from '../gpu-worker/bicubic-graph.ts';
import { enlargeTiles } from '../gpu-worker/enlarge-tiles.ts';
import { decodeImage } from '../gpu-worker/image/decode.ts';
import { encodeImage } from '../gpu-worker/image/encode.ts';
import { probeImage } from '../gpu-worker/image/probe.ts';
import { DevicePool } from '../gpu-worker/inference/device-pool.ts';
import type { DeviceKind } from '../gpu-worker/inference/session.ts';
import { pictureLane } from '../gpu-worker/loaded-model.ts';
import { bundledEnlarger } from '../local/bundled-models.ts';
import { resultKey } from '../shared/aws/object-store.ts';
import {
  type Case,
  connectStores,
  deviceWork,
  MODEL,
  picture,
  submitJobs,
  temporaryDirectory,
} from './cases.ts';
import { answerWith } from './child.ts';
import { cost, spentMs } from './cost.ts';
import { CORES } from './machine.ts';
import { runRaw } from './raw.ts';

/** CPU milliseconds a job, but for the last. */
export interface Parts {
  readonly inference: number;
  readonly decode: number;
  readonly bicubic: number;
  /** Both pictures. */
  readonly encode: number;
  /** Calls of SQS, DynamoDB and S3 that no job can do without. */
  readonly services: number;
  /** Jobs a second that onnxruntime alone would do with all device threads. */
  readonly rawJobsPerSecond: number;
}

export interface PartsQuestion {
  readonly asked: Case;
  readonly device: DeviceKind;
  readonly threads: number;
  /** Of each part. */
  readonly seconds: number;
}

const model = await bundledEnlarger(MODEL);
const stores = connectStores(process.env as Record<string, string>);
const room = { scratchDirectory: await temporaryDirectory() };

async function rawInference({ asked, device, threads, seconds }: PartsQuestion) {
  const { loaded, runs, shape, isLane } = deviceWork(model, asked);
  const lane = pictureLane(loaded, shape, isLane);
  const raw = await runRaw({ lane, batch: 1, device, threads, seconds });
  return { inference: raw.cpuMs * runs, rawJobsPerSecond: raw.perSecond / runs };
}

async function images({ asked, seconds }: PartsQuestion) {
  const source = await picture(asked);
  const info = await probeImage(source, { maxInputPixels: 1e9 });
  const decode = await cost(async () => {
    const probed = await probeImage(source, { maxInputPixels: 1e9 });
    await (await decodeImage(source, probed, room)).dispose();
  }, seconds);
  const raster = await decodeImage(source, info, room);
  const device = new DevicePool({ device: 'cpu', threads: 1, hungAfterMs: 600_000, onFatal: console.error });
  const signal = new AbortController().signal;
  const turn = { tenant: 'bench', job: 'parts', priority: 'normal', deadline: 0 } as const;
  const options = { device, room, turn, signal, onTile: () => {} };
  const enlarged = await enlargeTiles(raster.color, deviceWork(model, asked).loaded, options);
  const drawTwin = () => enlargeTiles(raster.color, bicubicGraph(asked.factor), options);
  const bicubic = await cost(async () => (await drawTwin()).dispose(), seconds);
  const plain = await drawTwin();
  await device.close();
  const bodies: Uint8Array[] = [];
  const encode = await cost(async () => {
    for (const [index, color] of [enlarged.finish(), plain.finish()].entries()) {
      const { body } = await encodeImage({ color }, { format: asked.format }, room);
      if (body instanceof Uint8Array) bodies[index] = body;
    }
  }, seconds);
  await Promise.all([raster.dispose(), enlarged.dispose(), plain.dispose()]);
  return { decode, bicubic, encode, bodies };
}

/** One of each call, the pictures of the real size, several jobs at once as the worker has them. */
async function services({ asked }: PartsQuestion, bodies: readonly Uint8Array[]): Promise<number> {
  const { jobs, queue, uploads, results } = stores;
  const count = Math.min(40, Math.max(8, Math.round(60e6 / (bodies[0]?.length ?? 1) / 10)));
  await submitJobs(stores, asked, count);
  let left = count;
  const takeJobs = async () => {
    while (left > 0) {
      for (const { jobId, receipt } of await queue.receive(1, 0, 30)) {
        left -= 1;
        const now = new Date();
        const found = await jobs.claim(jobId, 'bench', now, now.getTime() + 30_000);
        if (found.kind !== 'claimed' || found.job.input.kind !== 'object') throw new Error(found.kind);
        const claim = { id: jobId, fence: found.job.fence, modelVersion: 'bench@1' };
        await uploads.get(found.job.input.key, 1e9);
        await Promise.all(
          bodies.map((body, index) =>
            results.put(resultKey(jobId, 1, String(index)), body, { contentType: 'image/png' }),
          ),
        );
        await jobs.succeed(claim, { files: {}, facts: {} }, {}, now);
        await queue.delete(receipt);
      }
    }
  };
  const start = process.cpuUsage();
  await Promise.all(Array.from({ length: CORES * 2 }, takeJobs));
  return spentMs(start) / count;
}

answerWith(async (question: PartsQuestion): Promise<Parts> => {
  const raw = await rawInference(question);
  const { bodies, ...image } = await images(question);
  return { ...raw, ...image, services: await services(question, bodies) };
});
