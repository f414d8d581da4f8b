/** What the docs say is what the code says. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readmeWithTables } from '../../scripts/readme-tables.ts';
import { settingsTable } from '../../shared/environment.ts';
import { type ErrorCode, OutboardError } from '../../shared/errors.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const readme = read('README.md');

describe('the README', () => {
  it('lists every error code and every setting as the code has them (node scripts/readme-tables.ts writes them)', () => {
    expect(readme).toBe(readmeWithTables(readme));
  });

  it('gives every setting a meaning', () => {
    expect(settingsTable().filter(({ meaning }) => meaning === '')).toEqual([]);
  });

  it('has two set-up commands and no more', () => {
    const setUp = readme.split('## Set up')[1]?.split('\n## ')[0] ?? '';
    expect([...setUp.matchAll(/```sh\n(.*?)\n```/gs)].map(([, command]) => command)).toEqual([
      'npm ci && npm start',
      'npm test',
    ]);
  });

  it('links only to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => target ?? '');
    expect(links.length).toBeGreaterThan(5);
    for (const target of links) expect(() => read(target), target).not.toThrow();
  });
});

describe('settings', () => {
  it('are all known: no code or template names an OUTBOARD_ variable that is not validated', () => {
    const known = new Set(settingsTable().map(({ name }) => name));
    const folders = ['functions', 'gpu-worker', 'shared', 'local', 'infra'];
    const files = folders.flatMap((folder) =>
      readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name))),
    );
    const named = [...files, 'serverless.yml'].flatMap(
      (file) => read(file).match(/\bOUTBOARD_[A-Z_]+\b/g) ?? [],
    );
    expect(named.length).toBeGreaterThan(40);
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('errors that API Gateway answers by itself', () => {
  const bodies = [...read('infra/gateway.yml').matchAll(/application\/json: '(\{.*\})'/g)].map(
    ([, json]) => JSON.parse(json ?? '') as Record<string, unknown>,
  );

  it.each(bodies)('$code has the words and the status of the error table', (body) => {
    const { message, httpStatus } = new OutboardError(body.code as ErrorCode);
    expect(body).toMatchObject({
      detail: message,
      status: httpStatus,
      type: `urn:outboard:error:${body.code}`,
    });
  });

  it('are five', () => expect(bodies).toHaveLength(5));
});
