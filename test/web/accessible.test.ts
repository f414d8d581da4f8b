/** Every view, light and dark, wide and narrow: axe finds nothing, and nothing sticks out of a phone. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { setup } from '../e2e/setup.ts';
import { BROWSER, DESKTOP, hasBrowser, PHONE, send, shownJob, useBrowser } from './browser.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PHOTO = path.join(ROOT, 'test/fixtures/photo.jpg');
const PAGE = path.join(ROOT, 'models/document-layout/1/golden.png');
const SLOW = 400_000;

const { url } = setup(3700);

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What is wrong with what the page shows now, in words. */
async function violations(page: Page): Promise<string[]> {
  const { violations: found } = (await page.evaluate('axe.run(document)')) as {
    violations: readonly Violation[];
  };
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

describe.skipIf(!hasBrowser)(`the page in ${BROWSER}`, () => {
  const open = useBrowser(url);

  it(
    'has no accessibility violation in any view, light or dark, and fits a phone',
    async () => {
      const { page } = await open();
      await page.evaluate(axe.source);
      const found: Record<string, string[]> = {};
      const look = async (view: string) => {
        for (const [name, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
          await page.setViewportSize(viewport);
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            const wrong = await violations(page);
            if (wrong.length > 0) found[`${view}, ${name}, ${colorScheme}`] = wrong;
          }
          const width = await page.evaluate('document.documentElement.scrollWidth');
          if (Number(width) > viewport.width) found[`${view}, ${name}, width`] = [`${width} pixels`];
        }
        await page.setViewportSize(DESKTOP);
      };

      await page.locator('.choices').waitFor();
      await look('new');
      await page.locator('input[type=file]').setInputFiles([PHOTO, PAGE]);
      await page.locator('.tray-item img').nth(1).waitFor();
      await look('pictures chosen');
      await page.getByRole('button', { name: 'Remove golden.png' }).click();
      await page.getByRole('button', { name: 'Remove photo.jpg' }).click();

      await page.goto(`${url}/#/jobs`);
      await page.getByText('No jobs yet').waitFor();
      await look('no jobs');

      await page.goto(`${url}/#/`);
      await send(page, 'Enlarge', PHOTO);
      await shownJob(page);
      await page.locator('.frame-wait').waitFor({ state: 'detached' });
      await page.locator('.divider').waitFor();
      await look('compare');
      await page.getByRole('button', { name: 'JSON' }).click();
      await look('JSON');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Delete' }).click();
      await look('delete');
      await page.keyboard.press('Escape');

      await page.goto(`${url}/#/`);
      await send(page, 'Classify', PHOTO);
      await page.locator('.bars').waitFor();
      await look('classes');

      await page.goto(`${url}/#/`);
      await page.locator('.segment', { hasText: 'Detect' }).click();
      await page.getByRole('switch').check();
      await look('form of detection');
      await send(page, 'Detect', PAGE);
      await page.locator('.finding-list').waitFor();
      await look('boxes');

      await page.goto(`${url}/#/`);
      const broken = (await readFile(PHOTO)).subarray(0, 9_000);
      await send(page, 'Enlarge', { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: broken });
      await page.getByText('image_corrupt').waitFor();
      await look('failed');

      await page.goto(`${url}/#/jobs`);
      await page.locator('.row').nth(3).waitFor();
      await look('jobs');
      await page.goto(`${url}/#/jobs?status=expired`);
      await page.getByText('No expired jobs').waitFor();
      await look('no expired jobs');
      await page.goto(`${url}/#/operations`);
      await page.locator('.chart-dot').first().waitFor();
      await page.locator('.tile').first().waitFor();
      await look('operations');
      await page.getByRole('button', { name: 'Settings' }).click();
      await look('settings');
      await page.keyboard.press('Escape');
      await page.goto(`${url}/#/nowhere`);
      await page.getByText('There is nothing here').waitFor();
      await look('nothing here');
      await page.goto(`${url}/#/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaa`);
      await page.getByText('There is no job with that id').waitFor();
      await look('no such job');

      expect(found).toEqual({});
    },
    SLOW,
  );
});
