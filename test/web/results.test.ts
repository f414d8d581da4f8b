/** The page from a picture to its result, through the real stack: compare, zoom, download, classes, boxes. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { jobSchema } from '../../shared/job-response.ts';
import { setup } from '../e2e/setup.ts';
import { BROWSER, hasBrowser, send as sendPicture, shownJob, useBrowser } from './browser.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PHOTO = path.join(ROOT, 'test/fixtures/photo.jpg');
const PAGE = path.join(ROOT, 'models/document-layout/1/golden.png');
const SLOW = 240_000;

const { url, s3Url, send, submit, download } = setup(3900);

const outputOf = async (id: string) => jobSchema.parse((await send('GET', `/v1/jobs/${id}`)).body).output;

async function enlarged(page: Page): Promise<string> {
  await sendPicture(page, 'Enlarge', PHOTO);
  const id = await shownJob(page);
  await page.locator('.divider').waitFor();
  await page.locator('.frame-wait').waitFor({ state: 'detached' });
  return id;
}

const clipOf = (page: Page): Promise<string> =>
  page
    .locator('.side.is-after')
    .evaluate((side) => side.ownerDocument.defaultView.getComputedStyle(side).clipPath);
const placementOf = async (page: Page) => {
  const matrix: string = await page
    .locator('.side.is-after img')
    .evaluate((picture) => picture.ownerDocument.defaultView.getComputedStyle(picture).transform);
  const [scale = 0, , , , left = 0, top = 0] = matrix.match(/-?[\d.]+/g)?.map(Number) ?? [];
  return { scale, left, top };
};
const scaleOf = async (page: Page): Promise<number> => (await placementOf(page)).scale;

describe.skipIf(!hasBrowser)(`the page in ${BROWSER}`, () => {
  const open = useBrowser(url);

  it(
    'enlarges a photo and compares it by a divider that keys and the mouse move',
    async () => {
      const { page, origins, complaints } = await open();
      await enlarged(page);
      const divider = page.getByRole('slider', { name: /divider/i });
      expect(await divider.getAttribute('aria-valuenow')).toBe('50');
      expect(await clipOf(page)).toBe('inset(0px 0px 0px 50%)');
      await divider.focus();
      await page.keyboard.press('ArrowRight');
      expect(await clipOf(page)).toBe('inset(0px 0px 0px 52%)');
      await page.keyboard.press('PageDown');
      expect(await clipOf(page)).toBe('inset(0px 0px 0px 42%)');
      await page.keyboard.press('End');
      expect(await clipOf(page)).toBe('inset(0px 0px 0px 100%)');
      await page.keyboard.press('Home');
      expect(await divider.getAttribute('aria-valuenow')).toBe('0');

      const frame = await page.locator('.frame').boundingBox();
      if (frame === null) throw new Error('no frame');
      const middle = frame.y + frame.height / 2;
      await page.mouse.move(frame.x, middle);
      await page.mouse.down();
      await page.mouse.move(frame.x + frame.width * 0.75, middle, { steps: 4 });
      await page.mouse.up();
      expect(await clipOf(page)).toBe('inset(0px 0px 0px 75%)');

      expect(complaints).toEqual([]);
      expect([...origins].sort()).toEqual([url, s3Url].sort());
    },
    SLOW,
  );

  it(
    'shows the result pixel by pixel at 1:1, zooms and moves it',
    async () => {
      const { page } = await open();
      const output = await outputOf(await enlarged(page));
      if (output === undefined || !('sr_image_url' in output)) throw new Error('no enlarged picture');
      const fitted = await scaleOf(page);
      await page.getByRole('button', { name: 'Zoom in' }).click();
      expect(await scaleOf(page)).toBeCloseTo(fitted * 1.5, 5);
      await page.getByRole('button', { name: 'Fit' }).click();
      expect(await scaleOf(page)).toBeCloseTo(fitted, 5);
      await page.locator('.frame').hover();
      await page.mouse.wheel(0, -300);
      await expect.poll(() => scaleOf(page)).toBeGreaterThan(fitted * 1.2);

      await page.getByRole('button', { name: '1:1' }).click();
      expect(await scaleOf(page)).toBe(1);
      await page.getByRole('slider', { name: /divider/i }).focus();
      await page.keyboard.press('Home');
      await page.locator('.frame').focus();
      await page.keyboard.press('ArrowRight');
      const frame = await page.locator('.frame').boundingBox();
      if (frame === null) throw new Error('no frame');
      const { left, top } = await placementOf(page);
      const clip = { x: Math.round(frame.x) + 200, y: Math.round(frame.y) + 120, width: 320, height: 240 };
      const seen = await sharp(await page.screenshot({ clip }))
        .removeAlpha()
        .raw()
        .toBuffer();
      const made = await sharp(await download(output.sr_image_url))
        .removeAlpha()
        .extract({
          left: Math.round(clip.x - frame.x - left),
          top: Math.round(clip.y - frame.y - top),
          width: clip.width,
          height: clip.height,
        })
        .raw()
        .toBuffer();
      expect(seen.equals(made)).toBe(true);
    },
    SLOW,
  );

  it(
    'zooms by two fingers',
    async () => {
      const { page } = await open('', { hasTouch: true });
      await enlarged(page);
      const before = await scaleOf(page);
      const frame = await page.locator('.frame').boundingBox();
      if (frame === null) throw new Error('no frame');
      const x = frame.x + frame.width / 2;
      const y = frame.y + frame.height / 4;
      const fingers = (apart: number) => [
        { x: x - apart, y, id: 0 },
        { x: x + apart, y, id: 1 },
      ];
      const devtools = await page.context().newCDPSession(page);
      const touch = (
        type: 'touchStart' | 'touchMove' | 'touchEnd',
        touchPoints: ReturnType<typeof fingers>,
      ) => devtools.send('Input.dispatchTouchEvent', { type, touchPoints });
      await touch('touchStart', fingers(60));
      await touch('touchMove', fingers(90));
      await touch('touchMove', fingers(120));
      await touch('touchEnd', []);
      await expect.poll(() => scaleOf(page)).toBeGreaterThan(before * 1.6);
    },
    SLOW,
  );

  it(
    'saves the very bytes that the job made, under the name of the picture',
    async () => {
      const { page } = await open();
      const id = await enlarged(page);
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download' }).click(),
      ]);
      expect(file.suggestedFilename()).toContain('photo-enlarged');
      const output = await outputOf(id);
      if (output === undefined || !('sr_image_url' in output)) throw new Error('no enlarged picture');
      const saved = await readFile((await file.path()) ?? '');
      expect(saved.equals(await download(output.sr_image_url))).toBe(true);
    },
    SLOW,
  );

  it(
    'asks for as many classes as the form says and shows each as a bar',
    async () => {
      const { page } = await open();
      await page.locator('.segment', { hasText: 'Classify' }).click();
      await page.getByLabel('Top k').fill('3');
      await sendPicture(page, 'Classify', PHOTO);
      const id = await shownJob(page);
      await page.locator('.bars').waitFor();
      const output = await outputOf(id);
      if (output === undefined || !('predictions' in output)) throw new Error('no classes');
      expect(output.predictions).toHaveLength(3);
      expect(await page.locator('.bar-label').allTextContents()).toEqual(
        output.predictions.map(({ label }) => label),
      );
      const widths = await page
        .locator('.bar-fill')
        .evaluateAll((bars) => bars.map((bar): string => bar.style.width));
      expect(widths.map(Number.parseFloat)).toEqual(
        output.predictions.map(({ score }) => expect.closeTo(score * 100, 3)),
      );
    },
    SLOW,
  );

  it('shows the picture of a job that was sent from elsewhere', async () => {
    const image = { image_base64: (await readFile(PHOTO)).toString('base64'), image_name: 'elsewhere.jpg' };
    const { id } = await submit({ model: 'classification', ...image });
    const { page } = await open(`#/jobs/${id}`);
    await page.locator('.bars').waitFor();
    const shown = page.locator('.placed');
    await expect
      .poll(() => shown.evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth))
      .toBe(320);
    expect(await shown.getAttribute('alt')).toBe('elsewhere.jpg');
  });

  it(
    'draws boxes where the job found something, and hides those below the score',
    async () => {
      const { page } = await open();
      await sendPicture(page, 'Detect', PAGE);
      const id = await shownJob(page);
      await page.locator('.finding-list').waitFor();
      const output = await outputOf(id);
      if (output === undefined || !('detections' in output)) throw new Error('no boxes');
      const [best, ...others] = output.detections;
      const second = others[0];
      if (best === undefined || second === undefined) throw new Error('fewer than two boxes');
      expect(await page.locator('.box').count()).toBe(output.detections.length);

      const picture = await page.locator('.placed').boundingBox();
      const box = await page.locator('.box').first().boundingBox();
      if (picture === null || box === null) throw new Error('nothing is drawn');
      const scale = picture.width / output.input.width;
      expect((box.x - picture.x) / scale).toBeCloseTo(best.box.x, 0);
      expect((box.y - picture.y) / scale).toBeCloseTo(best.box.y, 0);
      expect(box.width / scale).toBeCloseTo(best.box.width, 0);

      const between = Math.ceil(second.score * 100) / 100;
      const left = output.detections.filter(({ score }) => score >= between).length;
      expect(left).toBeLessThan(output.detections.length);
      await page.getByLabel('Least score').fill(String(between));
      await expect.poll(() => page.locator('.box').count()).toBe(left);
      expect(await page.locator('.finding').count()).toBe(left);
      await expect.poll(() => page.getByText(`${left} of ${output.detections.length} shown`).count()).toBe(1);
    },
    SLOW,
  );

  it(
    'sends several pictures at once and lists a job for each',
    async () => {
      const { page } = await open();
      await sendPicture(page, 'Classify', PHOTO, PAGE);
      await page.waitForURL(/#\/jobs$/);
      await page.locator('.row', { hasText: 'golden.png' }).getByText('Succeeded').first().waitFor();
      await page.locator('.row', { hasText: 'photo.jpg' }).getByText('Succeeded').first().waitFor();
    },
    SLOW,
  );

  it('lets no request leave the stage', async () => {
    const { page } = await open();
    await page.locator('.choices').waitFor();
    const outcome = await page.evaluate(`
      new Promise((resolve) => {
        addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
          resolve(violatedDirective + ' ' + new URL(blockedURI).origin));
        fetch('http://127.0.0.1:9/').catch(() => {});
      })`);
    expect(outcome).toBe('connect-src http://127.0.0.1:9');
  });
});
