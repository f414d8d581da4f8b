/** Chromium over the page of a running stack; what the page asked for and complained about is kept for the tests to judge. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

export const BROWSER = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(BROWSER);

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 740 };

interface Opened {
  readonly page: Page;
  /** Origins that anything on the page was asked from. */
  readonly origins: Set<string>;
  /** Errors of scripts, and of the policy. */
  readonly complaints: string[];
}

/** @param url where the stack is */
export function useBrowser(url: string) {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: BROWSER,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Screenshots are compared with pictures byte by byte.
        '--force-color-profile=srgb',
      ],
    });
  });
  afterAll(() => browser?.close());

  /** A fresh browser profile at the page's start. It is closed when the test is over. */
  return async (route = '', options: BrowserContextOptions = {}): Promise<Opened> => {
    const context = await browser.newContext({
      viewport: DESKTOP,
      reducedMotion: 'reduce',
      acceptDownloads: true,
      ...options,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const origins = new Set<string>();
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url())) origins.add(new URL(request.url()).origin);
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error' || line.type() === 'warning') complaints.push(line.text());
    });
    await page.goto(`${url}/${route}`);
    return { page, origins, complaints };
  };
}

type File = string | { readonly name: string; readonly mimeType: string; readonly buffer: Buffer };

/** Chooses a task and pictures, and sends them. */
export async function send(page: Page, task: string, ...files: File[]): Promise<void> {
  await page.locator('.segment', { hasText: task }).first().click();
  await page.locator('input[type=file]').setInputFiles(files as string[]);
  await page.locator('button[type=submit]').click();
}

/** The id of the job that the page shows, once it does. */
export async function shownJob(page: Page): Promise<string> {
  await page.waitForURL(/#\/jobs\/job_\w+$/);
  return /job_\w+$/.exec(page.url())?.[0] ?? '';
}
