/** The client against a real stack. */
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { JobFailedError, Outboard, type Progress } from '../../client/outboard.ts';
import { API_KEY } from '../../local/settings.ts';
import { noise, plain, png } from '../e2e/pictures.ts';
import { setup, until } from '../e2e/setup.ts';
import { collect } from './collect.ts';

const { url, keys, row, ended } = setup(5700);
const outboard = new Outboard({ endpoint: url, apiKey: API_KEY });
const PHOTO = path.resolve(import.meta.dirname, '../fixtures/photo.jpg');

const blob = async (width: number, height: number): Promise<Blob> =>
  new Blob([new Uint8Array(await png(noise(width, height)))]);
const sizeOf = async (answer: Response) => {
  const { width, height, format } = await sharp(await answer.arrayBuffer()).metadata();
  return { width, height, format };
};

describe('run', () => {
  it('enlarges a file, tells its progress and gives its results', async () => {
    const seen: Progress[] = [];
    const file = new File([new Uint8Array(await png(noise(700, 500)))], 'harbour.png');
    // A model that is not loaded yet: its load alone takes longer than the time between two looks.
    const job = await outboard.run(
      'super-resolution-base',
      file,
      { upscale_factor: 2, output_format: 'jpeg' },
      { onProgress: (progress) => seen.push(progress) },
    );
    expect(job).toMatchObject({
      status: 'succeeded',
      output: { width: 1400, height: 1000, upscale_factor: 2 },
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every(({ completed, total }) => completed <= total)).toBe(true);
    const enlarged = await outboard.download(job, 'sr_image');
    expect(enlarged.headers.get('content-disposition')).toContain('harbour-enlarged');
    expect(await sizeOf(enlarged)).toEqual({ width: 1400, height: 1000, format: 'jpeg' });
    expect(await sizeOf(await outboard.download(job, 'original_image'))).toMatchObject({ width: 1400 });
  });

  it('classifies and detects', async () => {
    const photo = await openAsBlob(PHOTO);
    const { output: classes } = await outboard.run('classification', photo, { top_k: 2 });
    expect(classes.predictions).toHaveLength(2);
    const { output: boxes } = await outboard.run('object-detection', photo, { annotated: true });
    expect(boxes.detections).toBeInstanceOf(Array);
    expect(boxes.annotated_image_url).toMatch(/^http/);
  });

  it.each([
    ['an ArrayBuffer', async () => new Uint8Array(await png(noise(10, 8))).buffer],
    ['bytes', async () => new Uint8Array(await png(noise(10, 8)))],
    ['a stream', async () => (await blob(10, 8)).stream()],
    ['a data: address', async () => `data:image/png;base64,${(await png(noise(10, 8))).toString('base64')}`],
  ])('takes %s', async (_kind, image) => {
    const job = await outboard.run('super-resolution', await image(), { upscale_factor: 2 });
    expect(job.output).toMatchObject({ width: 20, height: 16 });
  });

  it('leaves an http address for the server to fetch', async () => {
    const first = await outboard.run('super-resolution', await blob(10, 8), { upscale_factor: 2 });
    const job = await outboard.run('super-resolution', first.output.sr_image_url, { upscale_factor: 2 });
    expect(job.output).toMatchObject({ width: 40, height: 32 });
    expect(await row(job.id)).toMatchObject({ input: { kind: 'url' } });
  });

  it('sends what is too large for a request through an upload form', async () => {
    const image = await blob(1250, 1200);
    expect(image.size).toBeGreaterThan(4_000_000);
    const job = await outboard.run('super-resolution', image, { upscale_factor: 2, output_format: 'jpeg' });
    expect(job.output).toMatchObject({ width: 2500, height: 2400 });
    expect(await row(job.id)).toMatchObject({
      input: { key: expect.stringMatching(/^uploads\//) },
      attempt: 1,
    });
  });

  it('rejects with the job and its code where the job fails', async () => {
    const cut = (await png(noise(200, 200))).subarray(0, 60_000);
    const failure = await outboard
      .run('super-resolution', new Uint8Array(cut))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JobFailedError);
    expect(failure).toMatchObject({ code: 'image_corrupt', job: { status: 'failed' } });
  });

  it('cancels its job on the server when it is aborted', async () => {
    const abort = new AbortController();
    const image = new Blob([new Uint8Array(await plain(3000, 2000))]);
    let id = '';
    const running = outboard.run(
      'super-resolution',
      image,
      {},
      {
        signal: abort.signal,
        onProgress: (_progress, job) => {
          id = job.id;
          abort.abort(new Error('turned away'));
        },
      },
    );
    await expect(running).rejects.toThrow('turned away');
    expect(await outboard.jobs.get(id)).toMatchObject({ status: 'canceled' });
  });

  it('cancels the job also where it is aborted while the job is being accepted', async () => {
    const abort = new AbortController();
    const before = (await collect(outboard.jobs.list())).length;
    const slow = new Outboard({
      endpoint: url,
      apiKey: API_KEY,
      fetch: (input, init) => {
        if (init?.method === 'POST') queueMicrotask(() => abort.abort());
        return fetch(input, init);
      },
    });
    const running = slow.run('super-resolution', await blob(900, 900), {}, { signal: abort.signal });
    await expect(running).rejects.toThrow(/abort/);
    const jobs = await collect(outboard.jobs.list());
    expect(jobs).toHaveLength(before + 1);
    expect(jobs[0]).toMatchObject({ status: 'canceled' });
  });
});

describe('watch', () => {
  it('tells status, progress and, last, the result', async () => {
    const { id } = await outboard.submit('super-resolution', await blob(900, 700), { upscale_factor: 4 });
    const events = await collect(outboard.watch(id));
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('status');
    expect(types).toContain('progress');
    expect(types.indexOf('result')).toBe(types.length - 1);
    expect(events.at(-1)?.job).toMatchObject({ status: 'succeeded', output: { width: 3600 } });
  });

  it('stops when its signal is aborted, and leaves the job alone', async () => {
    const { id } = await outboard.submit('super-resolution', await blob(700, 700));
    const abort = new AbortController();
    const watching = (async () => {
      for await (const _event of outboard.watch(id, { signal: abort.signal })) abort.abort();
    })();
    await expect(watching).rejects.toThrow(/abort/);
    expect(await ended(id)).toMatchObject({ status: 'succeeded' });
  });
});

describe('jobs', () => {
  it('are listed over all pages, by status', async () => {
    const ids = [];
    for (let index = 0; index < 5; index += 1) {
      ids.push(
        (await outboard.submit('super-resolution', await blob(9 + index, 9), { upscale_factor: 2 })).id,
      );
    }
    await Promise.all(ids.map((id) => outboard.wait(id)));
    const listed = await collect(outboard.jobs.list({ status: 'succeeded', pageSize: 2 }));
    expect(listed.slice(0, 5).map(({ id }) => id)).toEqual(ids.toReversed());
    expect(new Set(listed.map(({ status }) => status))).toEqual(new Set(['succeeded']));
  });

  it('are one job for one idempotency key', async () => {
    const image = await blob(9, 9);
    const ask = () => outboard.submit('super-resolution', image, {}, { idempotencyKey: 'the same' });
    expect((await ask()).id).toBe((await ask()).id);
    await expect(
      outboard.submit('super-resolution', image, { upscale_factor: 2 }, { idempotencyKey: 'the same' }),
    ).rejects.toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  });

  it('can be canceled, run again and erased', async () => {
    const { id } = await outboard.submit(
      'super-resolution',
      new Blob([new Uint8Array(await plain(2500, 2000))]),
    );
    expect(await outboard.jobs.cancel(id)).toMatchObject({ id, status: 'canceled' });
    expect(await outboard.jobs.retry(id)).toMatchObject({ id, status: 'queued' });
    await expect(outboard.jobs.retry(id)).rejects.toMatchObject({ code: 'job_not_retryable' });
    await outboard.jobs.delete(id);
    await expect(outboard.jobs.get(id)).rejects.toMatchObject({ status: 404, code: 'job_not_found' });
    await until(async () => (await keys('results', `results/${id}/`)).length === 0);
  });

  it('give their results by fresh links where the old ones have run out', async () => {
    const job = await outboard.run('super-resolution', await blob(12, 9), { upscale_factor: 2 });
    const stale = { ...job, output: { ...job.output, sr_image_url: `${job.output.sr_image_url}0` } };
    expect((await fetch(stale.output.sr_image_url)).status).toBe(403);
    expect(await sizeOf(await outboard.download(stale, 'sr_image'))).toMatchObject({ width: 24 });
  });
});

describe('models', () => {
  it('are listed with the schemas of their parameters, defaults included', async () => {
    const models = await outboard.models.list();
    expect(models.map(({ task }) => task)).toContain('object-detection');
    expect(await outboard.models.get('super-resolution')).toMatchObject({
      name: 'super-resolution-tiny',
      parameters: {
        properties: { upscale_factor: { enum: [2, 4, 8], default: 4 }, quality: { default: 90 } },
      },
    });
  });
});
