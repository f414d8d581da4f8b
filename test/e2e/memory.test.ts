/**
 * A worker with little memory: large pictures within a bound, by scratch files where they must, refused where nothing
 * helps; jobs take turns; nothing stays on the disk.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { workerAllocator } from '../../local/settings.ts';
import { decode, enlargedWhole, noise, plain, png } from './pictures.ts';
import { setup, until } from './setup.ts';

const BUDGET = 130e6;
const { submit, send, ended, enlarge, download, job, metric, directory, workerPid, lines } = setup(6260, {
  OUTBOARD_MEMORY_BYTES: String(BUDGET),
  OUTBOARD_DEVICE_THREADS: '2',
  OUTBOARD_LEASE_SECONDS: '5',
});

/** The whole process with two device threads; 438 MB were measured for four times this picture. */
const MOST_ANONYMOUS = 550e6;
const LIMIT_MS = 240_000;
const isLinux = process.platform === 'linux';

const scratch = (): Promise<string[]> => readdir(path.join(directory(), 'scratch')).catch(() => []);
const base64 = (file: Buffer): string => file.toString('base64');

/** The most memory that only the worker has and that no file backs, while the work goes on. */
async function anonymousPeak(pid: number, work: Promise<unknown>): Promise<number> {
  let peak = 0;
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const [, kilobytes] = /^RssAnon:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'latin1')) ?? [];
    peak = Math.max(peak, Number(kilobytes) * 1024);
    await Promise.race([over, sleep(20)]);
  }
  return peak;
}

/** Decoded whole by its decoder: 3 bytes a pixel. */
const interlaced = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: 40, g: 90, b: 160 } } })
    .png({ progressive: true })
    .toBuffer();

describe('a worker with little memory', () => {
  it.skipIf(!isLinux)('makes a picture of 50 megapixels within a bound', { timeout: LIMIT_MS }, async () => {
    const done = plain(2048, 1536).then((picture) => enlarge(picture, { output_format: 'jpeg' }));
    const peak = await anonymousPeak(workerPid(), done);
    expect(await done).toMatchObject({ status: 'succeeded', output: { upscale_factor: 4 } });
    expect(peak).toBeGreaterThan(50e6);
    expect(peak).toBeLessThan(MOST_ANONYMOUS);
    expect(await scratch()).toEqual([]);
  });

  it('goes by scratch files with the same result, bit for bit', { timeout: LIMIT_MS }, async () => {
    const raw = noise(700, 500);
    const { id } = await submit({ image_base64: base64(await png(raw)), upscale_factor: 2 });
    let seen: string[] = [];
    await until(async () => {
      const [folder] = await scratch();
      const files = folder === undefined ? [] : await readdir(path.join(directory(), 'scratch', folder));
      seen = [...seen, ...files];
      return (await job(id)).status === 'succeeded';
    });
    expect(seen.some((name) => name.endsWith('.v'))).toBe(true);
    const { data } = await decode(await download((await job(id)).output?.sr_image_url));
    expect(data.equals(await enlargedWhole(raw, 2))).toBe(true);
    expect(await scratch()).toEqual([]);
  });

  it('refuses what cannot fit, and says what it needs and what there is', async () => {
    const refused = await enlarge(await interlaced(6000, 5000), { upscale_factor: 2 });
    expect(refused).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'memory_exceeded' } });
    expect(refused.error?.message).toMatch(/It needs 15\d MB of memory; there are 130 MB\./);
  });

  it.skipIf(!isLinux)('has the allocator of the container', async () => {
    const environment = (await readFile(`/proc/${workerPid()}/environ`, 'utf8')).split('\0');
    for (const [name, value] of Object.entries(workerAllocator))
      expect(environment).toContain(`${name}=${value}`);
  });

  it('refuses what a format cannot hold, and says which could', async () => {
    // The header of a TIFF is read by the worker only.
    const wide = await sharp(await plain(4100, 10))
      .tiff()
      .toBuffer();
    const refused = await enlarge(wide, { output_format: 'webp' });
    expect(refused).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'output_format_limit' } });
    expect(refused.error?.message).toMatch(
      /16400×40; WEBP ends at 16383 pixels a side.*Ask for output_format png or output_format jpeg/,
    );
  });

  it('leaves nothing on the disk of a job that fails', async () => {
    const whole = await png(noise(1500, 1200));
    const failed = await enlarge(whole.subarray(0, whole.length / 2), { upscale_factor: 2 });
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'image_corrupt' } });
    expect(await scratch()).toEqual([]);
  });

  it('lets jobs wait for each other’s memory, and all end well', { timeout: LIMIT_MS }, async () => {
    const picture = base64(await interlaced(3600, 2400));
    const asked = Array.from({ length: 8 }, () =>
      submit({ model: 'image-classifier', image_base64: picture }, { 'cache-control': 'no-cache' }).catch(
        (error: unknown) => error,
      ),
    );
    let waited = 0;
    let planned = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        waited = Math.max(waited, await metric('outboard_jobs_waiting_for_memory'));
        planned = Math.max(planned, await metric('outboard_memory_planned_bytes'));
      }
    })();
    const ids = (await Promise.all(asked)).map((answer) => (answer as { id: string }).id);
    for (const id of ids) {
      await until(async () => {
        const { status } = (await send('GET', `/v1/jobs/${id}`)).body as { status: string };
        expect(['queued', 'running', 'succeeded']).toContain(status);
        return status === 'succeeded';
      });
    }
    isOver = true;
    await watching;
    expect(waited).toBeGreaterThan(0);
    expect(planned).toBeGreaterThan(70e6);
    expect(planned).toBeLessThanOrEqual(BUDGET);
    expect(await metric('outboard_memory_planned_bytes')).toBe(0);
  });

  it('removes at its start what it left when it was killed', { timeout: LIMIT_MS }, async () => {
    const { id } = await submit({ image_base64: base64(await plain(4000, 3000)) });
    await until(async () => (await job(id)).progress?.phase === 'enlarging');
    const killed = workerPid();
    const left = await scratch();
    expect(left).toHaveLength(1);
    process.kill(killed, 'SIGKILL');
    await until(async () => workerPid() !== killed && lines.some((line) => /swept=1\b/.test(line)));
    expect(await scratch()).not.toContain(left[0]);
    await send('POST', `/v1/jobs/${id}/cancel`);
    expect(await ended(id)).toMatchObject({ status: 'canceled' });
    await until(async () => (await metric('outboard_jobs_running')) === 0);
    expect(await scratch()).toEqual([]);
  });
});
