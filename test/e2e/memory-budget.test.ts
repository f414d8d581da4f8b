/** Two models that together take more memory than a worker may use: jobs go on, models come and go. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isTerminal } from '../../shared/job.ts';
import { jobSchema } from '../../shared/job-response.ts';
import { modelManifest } from '../../shared/model.ts';
import { decode, enlargedWhole, noise, png } from './pictures.ts';
import { setup, until } from './setup.ts';

const { submit, send, download, lines, metric, ports } = setup(6100, { OUTBOARD_MODEL_MEMORY_BYTES: '1' });

const PAGES = path.resolve(import.meta.dirname, '../../models/document-layout/1');
const ROUNDS = 3;
/** Rounds in which caches may still grow. */
const SETTLING = 1;
/** One load of the enlarger takes some 300 MB; the rounds after the first would keep two of them. */
const NO_LOAD = 300e6;
const LIMIT_MS = 150_000;

/** Follows a job as a client does that polls. @returns it at its end, and every phase that was seen on the way */
async function followed(id: string) {
  const phases = new Set<string>();
  for (;;) {
    const job = jobSchema.parse((await send('GET', `/v1/jobs/${id}`)).body);
    if (job.progress !== undefined) phases.add(job.progress.phase);
    if (isTerminal(job.status)) return { job, phases: [...phases] };
    await sleep(50);
  }
}

/** Lines of the worker's log that say this. */
const told = (message: string, model: string): number =>
  lines.filter((line) => line.includes(message) && line.includes(model)).length;

const workerModels = z.object({ models: z.array(z.string()) });
const loaded = async (): Promise<string[]> =>
  workerModels.parse(await (await fetch(`http://127.0.0.1:${ports.metrics}/health`)).json()).models;

describe('two models beyond the memory budget', () => {
  const raw = noise(40, 30);
  async function enlarge(): Promise<string> {
    const image_base64 = (await png(raw)).toString('base64');
    return (await submit({ model: 'super-resolution-tiny', upscale_factor: 2, image_base64 })).id;
  }
  async function find(): Promise<string> {
    const image_base64 = await readFile(path.join(PAGES, 'golden.png'), 'base64');
    const fields = { model: 'document-layout', image_base64, score_threshold: 0.25, iou_threshold: 0.5 };
    // From the store it would be answered without the model.
    return (await submit(fields, { 'cache-control': 'no-cache' })).id;
  }

  async function expectEnlarged(job: Awaited<ReturnType<typeof followed>>['job']): Promise<void> {
    expect(job).toMatchObject({ status: 'succeeded', model_version: 'super-resolution-tiny@1' });
    const link = job.output !== undefined && 'sr_image_url' in job.output ? job.output.sr_image_url : '';
    const { data } = await decode(await download(link));
    expect(data.equals(await enlargedWhole(raw, 2))).toBe(true);
  }
  async function expectFound(job: Awaited<ReturnType<typeof followed>>['job']): Promise<void> {
    const manifest = modelManifest.parse(JSON.parse(await readFile(path.join(PAGES, 'model.json'), 'utf8')));
    if (manifest.task !== 'object-detection') throw new Error('document-layout is no detector any more.');
    const expected = (manifest.golden?.detections ?? []).map(([classId = 0, score = 0, x = 0, y = 0]) => ({
      class_id: classId,
      score: expect.closeTo(score, 2),
      box: expect.objectContaining({ x: expect.closeTo(x, 0), y: expect.closeTo(y, 0) }),
    }));
    expect(expected.length).toBeGreaterThan(0);
    expect(job).toMatchObject({ status: 'succeeded', output: { detections: expected } });
  }

  it('both answer rightly, are let go in turn, and a job that waits for a load says so', {
    timeout: LIMIT_MS,
  }, async () => {
    const phases = { enlarging: [] as string[][], finding: [] as string[][] };
    let settled = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const enlarged = await followed(await enlarge());
      const found = await followed(await find());
      phases.enlarging.push(enlarged.phases);
      phases.finding.push(found.phases);
      await expectEnlarged(enlarged.job);
      await expectFound(found.job);
      if (round === SETTLING) settled = await metric('outboard_resident_memory_bytes');
    }
    // Whoever came had to wait for a load, and was told.
    const isTold = (seen: string[]) => seen.includes('loading model');
    expect(phases.enlarging.every(isTold), JSON.stringify(phases)).toBe(true);
    // This one is loaded so fast on a quiet machine that a poll may miss it.
    expect(phases.finding.some(isTold), JSON.stringify(phases)).toBe(true);
    await until(async () => (await loaded()).length === 0);
    for (const model of ['super-resolution-tiny@1', 'document-layout@1']) {
      expect(told('model loaded', model), model).toBeGreaterThanOrEqual(ROUNDS);
      expect(told('model unloaded', model), model).toBe(told('model loaded', model));
    }
    // Let go means that the memory comes back: more rounds take no more.
    const grown = (await metric('outboard_resident_memory_bytes')) - settled;
    expect(grown).toBeLessThan(NO_LOAD);
  });

  it('serve jobs that come all at once', { timeout: LIMIT_MS }, async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? enlarge() : find())));
    const ends = await Promise.all(ids.map(followed));
    for (const [i, { job }] of ends.entries()) await (i % 2 === 0 ? expectEnlarged(job) : expectFound(job));
    await until(async () => (await loaded()).length === 0);
  });
});
