/**
 * The page of web/ as the local stack serves it, beside the API and from memory. Its policy lets the page talk to this
 * stack alone; infra/web.yml says the same for a stage, and a test compares the two.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { buildWeb } from '../scripts/build-web.ts';

export interface PageFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** By the path of the request. */
export type Page = ReadonlyMap<string, PageFile>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

export const contentType = (file: string): string => types[path.extname(file)] ?? 'application/octet-stream';

/** Names in assets/ carry a hash of the content; all others must be asked for again. */
export const cacheControl = (file: string): string =>
  file.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';

/** What of a stage the page may talk to beside its own origin: of uploads and results, and of the channel. */
export interface StageOrigins {
  readonly storage: string;
  readonly channel: string;
}

export const securityHeaders = ({ storage, channel }: StageOrigins): Record<string, string> => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: ${storage}`,
    `connect-src 'self' ${storage} ${channel}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
});

interface PageOptions {
  readonly origins: StageOrigins;
  /** What the page starts with: the local key is no secret. */
  readonly apiKey: string;
}

export async function loadPage({ origins, apiKey }: PageOptions): Promise<Page> {
  const folder = await buildWeb();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  const page = new Map<string, PageFile>();
  for (const file of files) {
    const body = await readFile(path.join(folder, file));
    const headers = {
      'content-type': contentType(file),
      'cache-control': cacheControl(file),
      ...securityHeaders(origins),
    };
    page.set(`/${file}`, { headers, body });
  }
  const index = page.get('/index.html');
  const stage = page.get('/stage.json');
  if (index === undefined || stage === undefined) throw new Error(`The page in ${folder} is not whole.`);
  page.set('/', index);
  page.set('/stage.json', { ...stage, body: Buffer.from(JSON.stringify({ api_key: apiKey })) });
  return page;
}
