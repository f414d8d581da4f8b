/** The client in a page of another origin than the API, in a real browser. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type * as Client from '../../client/outboard.ts';
import { API_KEY, HOST } from '../../local/settings.ts';
import { noise, plain, png } from '../e2e/pictures.ts';
import { setup } from '../e2e/setup.ts';

const { url, job: jobNow } = setup(5720);
const BROWSER = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** What the bundle leaves on the page. */
declare const client: typeof Client;
declare function createImageBitmap(blob: Blob): Promise<{ readonly width: number; readonly height: number }>;

async function openPage() {
  const bundle = await build({
    entryPoints: [path.resolve(import.meta.dirname, '../../client/outboard.ts')],
    bundle: true,
    format: 'iife',
    globalName: 'client',
    write: false,
  });
  const html = `<!doctype html><title>page</title><script>${bundle.outputFiles[0]?.text}</script>`;
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(html);
  }).listen(0, HOST);
  const browser = await chromium.launch({
    executablePath: BROWSER,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  onTestFinished(async () => {
    await browser.close();
    server.close();
  });
  const page = await browser.newPage();
  await page.goto(`http://${HOST}:${(server.address() as AddressInfo).port}/`);
  return page;
}

const base64 = (bytes: Buffer): string => bytes.toString('base64');

describe.skipIf(!existsSync(BROWSER))(`a web page, in ${BROWSER}`, () => {
  it('runs jobs from files small and large, sees progress, and downloads results', async () => {
    const page = await openPage();
    // A decoder does not look behind the end of the picture: the second is a large file, and still seconds of work to watch.
    const large = Buffer.concat([await png(noise(1600, 1200)), Buffer.alloc(4_000_000)]);
    const pictures = [base64(await png(noise(500, 400))), base64(large)];
    const seen = await page.evaluate(
      async ({ url, key, pictures }) => {
        const outboard = new client.Outboard({ endpoint: url, apiKey: key });
        const results = [];
        for (const picture of pictures) {
          const bytes = await (await fetch(`data:image/png;base64,${picture}`)).blob();
          const file = new File([bytes], 'picture.png', { type: 'image/png' });
          let progress = 0;
          const job = await outboard.run(
            'super-resolution',
            file,
            { upscale_factor: 2, output_format: 'jpeg' },
            { onProgress: () => (progress += 1) },
          );
          const blob = await (await outboard.download(job, 'sr_image')).blob();
          const { width, height } = await createImageBitmap(blob);
          results.push({ width, height, progress, type: blob.type, status: job.status });
        }
        return results;
      },
      { url, key: API_KEY, pictures },
    );
    expect(seen).toMatchObject([
      { width: 1000, height: 800, type: 'image/jpeg', status: 'succeeded' },
      { width: 3200, height: 2400, type: 'image/jpeg', status: 'succeeded' },
    ]);
    expect(seen[1]?.progress).toBeGreaterThan(0);
  });

  it('reads codes, fields and request ids of errors, and cancels what it turns away from', async () => {
    const page = await openPage();
    const seen = await page.evaluate(
      async ({ url, key, picture }) => {
        const outboard = new client.Outboard({ endpoint: url, apiKey: key });
        const image = await (await fetch(`data:image/png;base64,${picture}`)).blob();
        const refused = await outboard
          .run('super-resolution', image, { upscale_factor: 3 as 2 })
          .catch((error: Client.OutboardApiError) => ({ ...error, name: error.name }));
        const abort = new AbortController();
        const { id } = await outboard.submit('super-resolution', image, {}, { idempotencyKey: 'page' });
        const aborted = await outboard
          .run(
            'super-resolution',
            image,
            {},
            {
              idempotencyKey: 'page',
              signal: abort.signal,
              onProgress: () => abort.abort(),
            },
          )
          .catch((error: Error) => error.name);
        return { refused, aborted, id };
      },
      { url, key: API_KEY, picture: base64(await plain(2500, 2000)) },
    );
    expect(seen.refused).toMatchObject({
      name: 'OutboardApiError',
      code: 'unsupported_upscale_factor',
      field: 'upscale_factor',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(seen.aborted).toBe('AbortError');
    expect(await jobNow(seen.id)).toMatchObject({ status: 'canceled' });
  });
});
