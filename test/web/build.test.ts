/** What is shipped: small, whole, closed to other origins, and the same from a bucket as from this machine. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { securityHeaders } from '../../local/page.ts';
import { startS3Server } from '../../local/s3/server.ts';
import { credentials } from '../../local/settings.ts';
import { buildWeb } from '../../scripts/build-web.ts';
import { publishWeb } from '../../scripts/publish-web.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LIMIT_BYTES = 60_000;

async function built(): Promise<Map<string, string>> {
  const folder = await buildWeb();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  return new Map(
    await Promise.all(
      files.map(async (file) => [file, await readFile(path.join(folder, file), 'utf8')] as const),
    ),
  );
}

describe('the built page', () => {
  it(`is smaller than ${LIMIT_BYTES / 1000} kB, gzipped, with all that it asks for`, async () => {
    const files = await built();
    const bytes = [...files.values()].reduce((sum, text) => sum + gzipSync(text).byteLength, 0);
    console.log(`The page: ${(bytes / 1000).toFixed(1)} kB gzipped.`);
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(LIMIT_BYTES);
  });

  it('names no other origin and has nothing inline', async () => {
    const files = await built();
    const index = files.get('index.html') ?? '';
    expect(index).toContain('http-equiv="content-security-policy"');
    expect([...index.matchAll(/<script(?![^>]*\bsrc="\/)/g)]).toEqual([]);
    expect([...index.matchAll(/<style|\bstyle=|\bon\w+=/g)]).toEqual([]);
    for (const [, target] of index.matchAll(/(?:src|href)="([^"]*)"/g)) {
      expect([...files.keys()].map((file) => `/${file}`)).toContain(target);
    }
    const styles = [...files].filter(([file]) => file.endsWith('.css')).map(([, text]) => text);
    expect(styles).toHaveLength(1);
    expect(styles.join('')).not.toMatch(/@import|url\(/);
  });

  it('is built once for the same sources', async () => {
    expect(await buildWeb()).toBe(await buildWeb());
  });
});

describe('in a stage', () => {
  it('the page gets the policy that it has on this machine', async () => {
    const template = await readFile(path.join(ROOT, 'infra/web.yml'), 'utf8');
    const policy = /- "(default-src[^"]+)"/.exec(template)?.[1];
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own
    const local = securityHeaders({ storage: '${Storage}', channel: '${Channel}' });
    expect(policy).toBe(local['content-security-policy']);
    expect(template).toContain(`FrameOption: ${local['x-frame-options']}`);
    expect(template).toContain(`ReferrerPolicy: ${local['referrer-policy']}`);
  });

  it('is uploaded with types and cache times, index.html last', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'outboard-page-'));
    const s3 = await startS3Server({ directory, credentials, buckets: [{ name: 'page' }] });
    const client = new S3Client({ endpoint: s3.url, region: 'us-east-1', credentials, forcePathStyle: true });
    onTestFinished(async () => {
      client.destroy();
      await s3.close();
      await rm(directory, { recursive: true });
    });
    const keys = await publishWeb(client, 'page');
    expect(keys.at(-1)).toBe('index.html');
    expect([...keys].sort()).toEqual([...(await built()).keys()].sort());
    for (const key of keys) {
      const { ContentType, CacheControl, Body } = await client.send(
        new GetObjectCommand({ Bucket: 'page', Key: key }),
      );
      const hashed = key.startsWith('assets/');
      expect([key, CacheControl]).toEqual([key, hashed ? 'public, max-age=31536000, immutable' : 'no-cache']);
      expect([key, ContentType]).toEqual([key, expect.not.stringContaining('octet-stream')]);
      expect(await Body?.transformToString()).toBe((await built()).get(key));
    }
  });
});
