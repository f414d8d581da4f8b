/** docs/api.md is what the code says. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiDocs } from '../../scripts/api-docs.ts';

describe('docs/api.md', () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/api.md'), 'utf8');

  it('is fresh (node scripts/api-docs.ts writes it)', () => {
    expect(text).toBe(apiDocs());
  });

  it('has a section for every schema that it links to', () => {
    const links = [...text.matchAll(/\]\(#([a-z]+)\)/g)].map(([, anchor]) => anchor);
    const sections = [...text.matchAll(/^### (\w+)$/gm)].map(([, name]) => name?.toLowerCase());
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((anchor) => !sections.includes(anchor))).toEqual([]);
  });
});
