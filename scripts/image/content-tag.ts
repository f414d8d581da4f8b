/**
 * The name of an image by what goes into it: the same sources have the same tag on every machine, so what was pushed
 * once is never built or pushed again, and a tag can be traced to its sources.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildInputs, DOCKERFILE, ROOT } from './dockerfile.ts';

export type ImageTarget = 'cuda' | 'cpu';

/** Tags that start so are never moved; infrastructure may rely on it. */
export const CONTENT_PREFIX = 'content-';
const DIGITS = 20;

export function contentTag(target: ImageTarget, files = [DOCKERFILE, ...buildInputs()], root = ROOT): string {
  const hash = createHash('sha256').update(target);
  for (const file of files) {
    const content = createHash('sha256').update(readFileSync(path.join(root, file)));
    hash.update(`\n${file} ${content.digest('hex')}`);
  }
  return `${CONTENT_PREFIX}${target}-${hash.digest('hex').slice(0, DIGITS)}`;
}
