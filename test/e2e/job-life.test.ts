/** A job's life through the API: list, wait, cancel, run again, erase, and asking twice for the same. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobListSchema } from '../../shared/job-response.ts';
import { noise, plain, png } from './pictures.ts';
import { type JobView, setup, until } from './setup.ts';

const { send, submit, job, ended, enlarge, keys, row, metric, directory } = setup(4600, {
  // No renewal within a test: what stops a job in time is nothing but its own reports.
  OUTBOARD_LEASE_SECONDS: '600',
});

const base64 = async (picture: Promise<Buffer>) => (await picture).toString('base64');
/** Some hundred tiles: minutes of work. */
const bigJob = async () => ({ image_base64: await base64(plain(4000, 3000)), upscale_factor: 4 });

/** The job once its worker has finished a tile. */
async function enlarging(id: string): Promise<JobView> {
  let seen = await job(id);
  await until(async () => {
    seen = await job(id);
    return seen.progress?.phase === 'enlarging' && seen.progress.completed > 0;
  });
  return seen;
}

async function list(query: string) {
  const answer = await send('GET', `/v1/jobs?${query}`);
  expect(answer.status).toBe(200);
  return jobListSchema.parse(answer.body);
}

describe('the list of jobs', () => {
  it('shows the newest first, page by page, each job once', async () => {
    const image = await png(noise(4, 4));
    const made: string[] = [];
    for (let round = 0; round < 5; round += 1) made.unshift((await enlarge(image)).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(`limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      expect(page.jobs.length).toBeLessThanOrEqual(2);
      seen.push(...page.jobs.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen.slice(0, 5)).toEqual(made);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('can be asked for one status', async () => {
    const { id } = await submit({ image_url: 'http://127.0.0.1:1/' });
    await ended(id);
    const { jobs } = await list('status=failed');
    expect(jobs.map((found) => found.id)).toContain(id);
    expect(new Set(jobs.map(({ status }) => status))).toEqual(new Set(['failed']));
  });
});

describe('a running job', () => {
  it('shows its progress, and one that is waited for answers when it ends', async () => {
    const image_base64 = await base64(plain(900, 800));
    const { id } = await submit({ image_base64, upscale_factor: 2 });
    const { progress } = await enlarging(id);
    expect(progress).toMatchObject({ phase: 'enlarging', unit: 'tile', total: 16 });
    const answer = await send('GET', `/v1/jobs/${id}?wait=25`);
    expect(answer.body).toMatchObject({ status: 'succeeded', timings: { total_ms: expect.any(Number) } });
    expect(answer.body).not.toHaveProperty('progress');
  });

  it('stops soon after it is canceled and leaves nothing behind', async () => {
    const { id } = await submit(await bigJob());
    const { progress } = await enlarging(id);
    const canceled = await send('POST', `/v1/jobs/${id}/cancel`);
    expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled' } });
    await until(async () => (await metric('outboard_jobs_running')) === 0);
    // Far from its end: what stopped it was the cancel.
    expect(progress?.completed).toBeLessThan((progress?.total ?? 0) / 2);
    expect(await metric('outboard_jobs_total{result="lost"}')).toBe(1);
    expect(await job(id)).toMatchObject({ status: 'canceled' });
    expect(await keys('results', `results/${id}/`)).toEqual([]);
    expect(await readdir(path.join(directory(), 'scratch'))).toEqual([]);
    expect((await send('POST', `/v1/jobs/${id}/cancel`)).status).toBe(200);
  });

  it('is erased whole while it runs', async () => {
    const { id } = await submit(await bigJob());
    await enlarging(id);
    expect((await send('DELETE', `/v1/jobs/${id}`)).status).toBe(204);
    expect(await send('GET', `/v1/jobs/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'job_not_found' },
    });
    await until(async () => (await metric('outboard_jobs_running')) === 0);
    expect(await keys('results', `results/${id}/`)).toEqual([]);
    expect(await keys('uploads', `inputs/${id}/`)).toEqual([]);
    await expect(row(id)).rejects.toThrow('no row');
  });
});

describe('a job that has ended', () => {
  it('cannot be canceled once it succeeded, nor be run again', async () => {
    const { id } = await enlarge(await png(noise(6, 6)));
    expect(await send('POST', `/v1/jobs/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'job_finished' },
    });
    expect(await send('POST', `/v1/jobs/${id}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'job_not_retryable' },
    });
  });

  it('runs again under the same id after it was canceled', async () => {
    const { id } = await submit(await bigJob());
    await enlarging(id);
    await send('POST', `/v1/jobs/${id}/cancel`);
    const again = await send('POST', `/v1/jobs/${id}/retry`);
    expect(again).toMatchObject({ status: 202, body: { id, status: 'queued', attempt: 0 } });
    await enlarging(id);
    expect(await row(id)).toMatchObject({ status: 'running', attempt: 1, fence: 2 });
    await send('DELETE', `/v1/jobs/${id}`);
    await until(async () => (await metric('outboard_jobs_running')) === 0);
  });

  it('takes its input and its results along when it is erased', async () => {
    const { id } = await enlarge(await png(noise(7, 7)));
    expect(await keys('uploads', `inputs/${id}/`)).toHaveLength(1);
    expect(await keys('results', `results/${id}/`)).toHaveLength(2);
    expect((await send('DELETE', `/v1/jobs/${id}`)).status).toBe(204);
    expect(await keys('uploads', `inputs/${id}/`)).toEqual([]);
    expect(await keys('results', `results/${id}/`)).toEqual([]);
    expect((await send('DELETE', `/v1/jobs/${id}`)).status).toBe(404);
  });
});

describe('an Idempotency-Key', () => {
  it('makes one job of many requests with the same body, also at once', async () => {
    const fields = { image_base64: await base64(png(noise(8, 8))) };
    const headers = { 'idempotency-key': 'order 17' };
    const ids = await Promise.all([1, 2, 3, 4].map(async () => (await submit(fields, headers)).id));
    expect(new Set(ids).size).toBe(1);
    const [id = ''] = ids;
    expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect((await submit(fields, headers)).id).toBe(id);
    expect(await keys('results', `results/${id}/`)).toHaveLength(2);
  });

  it('is refused with another body, and the first job keeps its picture', async () => {
    const headers = { 'idempotency-key': 'order 18' };
    const { id } = await submit({ image_base64: await base64(png(noise(8, 8))), upscale_factor: 2 }, headers);
    const other = { image_base64: await base64(png(noise(9, 9))), upscale_factor: 2 };
    expect(await send('POST', '/v1/jobs', other, headers)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await ended(id)).toMatchObject({ status: 'succeeded', output: { width: 16 } });
  });

  it('is forgotten with its erased job', async () => {
    const fields = { image_base64: await base64(png(noise(8, 8))) };
    const headers = { 'idempotency-key': 'order 19' };
    const { id } = await submit(fields, headers);
    await ended(id);
    await send('DELETE', `/v1/jobs/${id}`);
    expect((await submit({ ...fields, upscale_factor: 2 }, headers)).id).toBe(id);
    expect(await ended(id)).toMatchObject({ status: 'succeeded', output: { upscale_factor: 2 } });
  });
});
