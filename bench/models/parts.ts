/**
 * What a job of a classifier or detector costs at the least: the run of its packaged graph, the picture that the run is
 * given, and the calls of AWS, each alone and through the worker's own modules, in CPU milliseconds.
 */
import { createHash } from 'node:crypto';
import { detectorLane } from '../../gpu-worker/detect.ts';
import { fitImage } from '../../gpu-worker/image/fit.ts';
import { probeImage } from '../../gpu-worker/image/probe.ts';
import type { DeviceKind } from '../../gpu-worker/inference/session.ts';
import { LateDeletes } from '../../gpu-worker/late-deletes.ts';
import { inputSize, isTask, type LoadedModel, tensorLane } from '../../gpu-worker/loaded-model.ts';
import { connectPredictions } from '../../shared/aws/connect.ts';
import { MAX_BATCH, type ReceivedMessage } from '../../shared/aws/job-queue.ts';
import { connectStores, picture } from '../cases.ts';
import { answerWith } from '../child.ts';
import { cost, spentMs } from '../cost.ts';
import { CORES } from '../machine.ts';
import { type RawFigures, runRaw } from '../raw.ts';
import { type ModelCase, PHOTO, submitModelJobs } from './jobs.ts';
import { readPackage } from './packages.ts';

/** CPU milliseconds a job, but for `raw`. */
export interface ModelParts {
  readonly inference: number;
  /** Header, decode, and the model's input made of it. */
  readonly picture: number;
  /** Calls of SQS, DynamoDB and S3 that no job can do without. */
  readonly services: number;
  /** Runs of the graph a second and nothing else; absent where no model is run. */
  readonly raw?: Pick<RawFigures, 'perSecond' | 'perSecondByClock'>;
}

export interface ModelQuestion {
  readonly asked: ModelCase;
  readonly device: DeviceKind;
  readonly threads: number;
  /** Pictures in a run. */
  readonly batch: number;
  /** Of each part. */
  readonly seconds: number;
}

type Answering = LoadedModel<'classification' | 'object-detection'>;

const THRESHOLDS = { score_threshold: 0.25, iou_threshold: 0.45 };
const LEASE_SECONDS = 30;
const KEPT_SECONDS = 3_600;
const CALLS = 240;
/** As large as one usually is. */
const FACTS = {
  predictions: Array.from({ length: 5 }, (_, rank) => ({
    label: String(rank),
    class_id: rank,
    score: 1 / 7,
  })),
};

const stores = connectStores(process.env as Record<string, string>);
const predictions = connectPredictions(stores.settings, KEPT_SECONDS);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

function runs(model: Answering, { device, threads, batch, seconds }: ModelQuestion): Promise<RawFigures> {
  const lane = isTask(model, 'object-detection') ? detectorLane(model, THRESHOLDS) : tensorLane(model);
  const size = lane.batch === 'dynamic' ? batch : lane.batch;
  return runRaw({ lane, batch: size, device, threads, seconds });
}

async function pictures(model: Answering, { seconds }: ModelQuestion): Promise<number> {
  const source = await picture(PHOTO);
  const size = inputSize(model);
  return cost(async () => {
    const info = await probeImage(source, { maxInputPixels: 1e9 });
    await fitImage(source, info, size, model.manifest.resize);
  }, seconds);
}

/** As many messages a call as SQS gives and takes, and stored answers looked for and kept together, as the worker does. */
async function services({ asked }: ModelQuestion): Promise<number> {
  const { jobs, uploads } = stores;
  await submitModelJobs(stores, asked, CALLS);
  const queue = new LateDeletes(stores.queue, silent);
  const keyOf = (id: string) =>
    createHash('sha256')
      .update(asked.isRepeated ? 'the same' : id)
      .digest('hex');
  if (asked.isRepeated) await predictions.put(keyOf(''), FACTS);
  const kept: Promise<void>[] = [];
  const work = async ({ jobId, receipt }: ReceivedMessage) => {
    const now = new Date();
    const found = await jobs.claim(jobId, 'bench', now, now.getTime() + LEASE_SECONDS * 1000);
    if (found.kind !== 'claimed' || found.job.input.kind !== 'object') throw new Error(found.kind);
    await uploads.get(found.job.input.key, 1e9);
    const known = await predictions.get(keyOf(jobId));
    if ((known !== undefined) !== asked.isRepeated) throw new Error('An answer is there that should not be.');
    const claim = { id: jobId, fence: found.job.fence, modelVersion: 'bench@1' };
    if (known === undefined) kept.push(predictions.put(keyOf(jobId), FACTS));
    await jobs.succeed(claim, { files: {}, facts: FACTS }, {}, now);
    await queue.delete(receipt);
  };
  let left = CALLS;
  const take = async () => {
    while (left > 0) {
      const most = Math.min(MAX_BATCH, left);
      left -= most;
      const messages = await queue.receive(most, 0, LEASE_SECONDS);
      left += most - messages.length;
      await Promise.all(messages.map(work));
    }
  };
  const start = process.cpuUsage();
  await Promise.all(Array.from({ length: CORES }, take));
  await Promise.all([...kept, queue.flush()]);
  return spentMs(start) / CALLS;
}

answerWith(async (question: ModelQuestion): Promise<ModelParts> => {
  if (question.asked.isRepeated) return { inference: 0, picture: 0, services: await services(question) };
  const model = await readPackage(question.asked.folder);
  if (isTask(model, 'super-resolution')) throw new Error('Enlargers are measured by bench/parts.ts.');
  const { cpuMs, ...raw } = await runs(model, question);
  return {
    inference: cpuMs,
    picture: await pictures(model, question),
    services: await services(question),
    raw,
  };
});
