/** The page while jobs run, fail and are tended: progress, cancel, reasons, retry, delete, an API that goes away. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { setup } from '../e2e/setup.ts';
import { BROWSER, hasBrowser, send as sendPicture, shownJob, useBrowser } from './browser.ts';

const PHOTO = path.resolve(import.meta.dirname, '../fixtures/photo.jpg');
const SLOW = 300_000;

const { url, send, submit, job, ended, close, reopen } = setup(3800);

/** What tests run inside the page, as far as they use it. */
interface Carried {
  readonly items: { add(file: File): void };
}
interface Target {
  dispatchEvent(event: Event): void;
}
declare const document: Target & { readonly body: Target };
declare const DataTransfer: new () => Carried;
declare const DragEvent: new (
  type: string,
  init: { dataTransfer: Carried; bubbles: boolean; cancelable: boolean },
) => Event;
declare const ClipboardEvent: new (type: string, init: { clipboardData: Carried; bubbles: boolean }) => Event;

/** A picture of many tiles. */
const large = async () => ({
  name: 'large.jpg',
  mimeType: 'image/jpeg',
  buffer: await sharp(PHOTO).resize(1600, 1200).jpeg().toBuffer(),
});
const broken = async () => ({
  name: 'broken.jpg',
  mimeType: 'image/jpeg',
  buffer: (await readFile(PHOTO)).subarray(0, 9_000),
});

describe.skipIf(!hasBrowser)(`the page in ${BROWSER}`, () => {
  const open = useBrowser(url);

  it(
    'shows how many tiles are done, more and more, and cancels',
    async () => {
      const { page } = await open();
      await sendPicture(page, 'Enlarge', await large());
      const id = await shownJob(page);
      const seen = new Set<number>();
      await expect
        .poll(
          async () => {
            const text = await page.locator('.working-detail').textContent();
            const [, done, total] = /^(\d+) of (\d+) tiles$/.exec(text ?? '') ?? [];
            if (done !== undefined) {
              expect(Number(done)).toBeLessThanOrEqual(Number(total));
              seen.add(Number(done));
            }
            return seen.size;
          },
          { timeout: 120_000, interval: 100 },
        )
        .toBeGreaterThan(1);
      expect([...seen]).toEqual([...seen].toSorted((a, b) => a - b));
      const bar = page.getByRole('progressbar');
      expect(Number(await bar.getAttribute('aria-valuenow'))).toBeGreaterThan(0);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('heading', { name: 'Canceled' }).waitFor();
      expect((await job(id)).status).toBe('canceled');
    },
    SLOW,
  );

  it(
    'tells where in line a queued job is',
    async () => {
      const { page } = await open();
      const ids: string[] = [];
      for (let count = 0; count < 12; count += 1) {
        const answer = await send('POST', '/v1/jobs', {
          image_base64: (await large()).buffer.toString('base64'),
        });
        ids.push((answer.body as { id: string }).id);
      }
      await page.goto(`${url}/#/jobs/${ids.at(-1)}`);
      await page.locator('.working-detail', { hasText: /Number \d+|Next/ }).waitFor();
      expect(await page.locator('.working-title').textContent()).toBe('In line');
      await Promise.all(ids.map((id) => send('DELETE', `/v1/jobs/${id}`)));
    },
    SLOW,
  );

  it(
    'tells why a job failed, and runs it again',
    async () => {
      const { page } = await open();
      await sendPicture(page, 'Enlarge', await broken());
      const id = await shownJob(page);
      await page.getByRole('alert').getByText('The picture is truncated or damaged.').waitFor();
      await page.getByText('image_corrupt').waitFor();
      const before = await job(id);
      const again = page.waitForResponse((answer) => answer.url().endsWith('/retry'));
      await page.getByRole('button', { name: 'Run again' }).click();
      expect((await again).status()).toBe(202);
      const after = await ended(id);
      expect(Date.parse(after.finished_at ?? '')).toBeGreaterThan(Date.parse(before.finished_at ?? ''));
      await page.getByText('image_corrupt').waitFor();
    },
    SLOW,
  );

  it('keeps a picture that the API refuses, with the reason', async () => {
    const { page } = await open();
    const text = { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') };
    await sendPicture(page, 'Enlarge', text);
    const item = page.locator('.tray-item', { hasText: 'notes.png' });
    await item.getByText('The file is not a picture in a known format.').waitFor();
    await item.getByRole('button', { name: 'Remove notes.png' }).click();
    await expect.poll(() => page.locator('.tray-item').count()).toBe(0);
  });

  it('takes pictures that are dropped anywhere, and pasted', async () => {
    const { page } = await open();
    const photo = (await readFile(PHOTO)).toString('base64');
    const give = (event: 'drop' | 'paste', name: string) =>
      page.evaluate(
        ({ event, name, photo }) => {
          const carried = new DataTransfer();
          const bytes = Uint8Array.from(atob(photo), (character) => character.charCodeAt(0));
          carried.items.add(new File([bytes], name, { type: 'image/jpeg' }));
          const given =
            event === 'drop'
              ? new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true })
              : new ClipboardEvent('paste', { clipboardData: carried, bubbles: true });
          document.body.dispatchEvent(given);
        },
        { event, name, photo },
      );
    await give('drop', 'dropped.jpg');
    await give('paste', 'pasted.jpg');
    await expect
      .poll(() => page.locator('.tray-name').allTextContents())
      .toEqual(['dropped.jpg', 'pasted.jpg']);
  });

  it('asks for nothing while nobody can see it', async () => {
    const { page } = await open('#/jobs');
    let asked = 0;
    page.on('request', (request) => (asked += request.url().includes('/v1/jobs') ? 1 : 0));
    const show = (visibility: 'hidden' | 'visible') =>
      page.evaluate((state) => {
        Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, visibility);
    const { id } = await submit({ image_base64: (await large()).buffer.toString('base64') });
    await page.locator(`.row a[href="#/jobs/${id}"]`).waitFor();
    await show('hidden');
    // What was on its way when the tab was hidden.
    await page.waitForTimeout(500);
    asked = 0;
    await send('DELETE', `/v1/jobs/${id}`);
    // Longer than an open job's list waits between two looks.
    await page.waitForTimeout(3_000);
    expect(asked).toBe(0);
    await show('visible');
    await page.locator(`.row a[href="#/jobs/${id}"]`).waitFor({ state: 'detached' });
  });

  it(
    'lists jobs by status and deletes one for good after asking',
    async () => {
      const { page } = await open();
      await sendPicture(page, 'Classify', PHOTO);
      const id = await shownJob(page);
      await page.locator('.bars').waitFor();
      await page.goto(`${url}/#/jobs?status=failed`);
      await page.locator('.filters [aria-current]', { hasText: 'Failed' }).waitFor();
      await expect.poll(() => page.locator(`.row a[href="#/jobs/${id}"]`).count()).toBe(0);
      await page.getByRole('link', { name: 'Succeeded' }).click();
      const row = page.locator('.row', { has: page.locator(`a[href="#/jobs/${id}"]`) });
      await row.getByRole('button', { name: 'Delete photo.jpg' }).click();
      await page.getByRole('button', { name: 'Keep it' }).click();
      expect((await send('GET', `/v1/jobs/${id}`)).body).toMatchObject({ status: 'succeeded' });
      await row.getByRole('button', { name: 'Delete photo.jpg' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await row.waitFor({ state: 'detached' });
      expect((await send('GET', `/v1/jobs/${id}`)).status).toBe(404);
    },
    SLOW,
  );

  it('sends the parameters of the form', async () => {
    const { page } = await open();
    await page.locator('.segment', { hasText: '×2' }).click();
    await page.locator('.segment', { hasText: 'WEBP' }).click();
    await page.getByLabel('Quality').fill('40');
    await sendPicture(page, 'Enlarge', PHOTO);
    const { parameters } = await job(await shownJob(page));
    expect(parameters).toEqual({ upscale_factor: 2, output_format: 'webp', quality: 40 });
  });

  it(
    'shows the workers and models of the stage',
    async () => {
      const { page } = await open('#/operations');
      const worker = page.locator('table', { hasText: 'Jobs in hand' }).locator('tbody tr');
      await worker.getByText('Ready').waitFor();
      expect(await worker.getByRole('cell').allTextContents()).toContain('CPU');
      const model = page.getByRole('row', { name: /^super-resolution-tiny/ });
      expect(await model.textContent()).toContain('1 of 1');
    },
    SLOW,
  );

  it(
    'says that the API is away, and goes on by itself once it is back',
    async () => {
      const { page } = await open();
      await sendPicture(page, 'Enlarge', await large());
      const id = await shownJob(page);
      await page.locator('.working').waitFor();
      await close();
      await page.getByText('The API does not answer.').waitFor();
      await reopen();
      await expect
        .poll(() => page.getByText('The API does not answer.').count(), { timeout: 60_000 })
        .toBe(0);
      await page.locator('.divider').waitFor({ timeout: 120_000 });
      expect((await job(id)).status).toBe('succeeded');
    },
    SLOW,
  );

  it('asks for a key where the API knows none', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('API key').fill('nobody');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The API does not know this key.').waitFor();
    await page.getByRole('button', { name: 'Give a key' }).click();
    await page.getByRole('button', { name: 'Use the stage’s own' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.choices select').waitFor();
    await expect.poll(() => page.getByText('The API does not know this key.').count()).toBe(0);
  });
});
