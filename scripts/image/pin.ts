/** Looks up what the tags of the base images name today and writes the digests into the Dockerfile. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { docker } from './docker.ts';
import { DOCKERFILE, ROOT } from './dockerfile.ts';

/** `ARG X_IMAGE=name:tag`, with or without a digest. */
const BASE = /^(ARG \w+_IMAGE=)([^@\s]+)(?:@sha256:[0-9a-f]{64})?$/gm;

export async function pinBases(file = path.join(ROOT, DOCKERFILE)): Promise<string[]> {
  const text = readFileSync(file, 'utf8');
  const digests = new Map<string, string>();
  for (const [, , tag = ''] of text.matchAll(BASE)) {
    const format = ['--format', '{{.Manifest.Digest}}'];
    const digest = await docker(['buildx', 'imagetools', 'inspect', ...format, tag], { quiet: true });
    if (!/^sha256:[0-9a-f]{64}$/.test(digest.trim())) throw new Error(`${tag} has no digest: ${digest}`);
    digests.set(tag, digest.trim());
  }
  writeFileSync(
    file,
    text.replaceAll(BASE, (_all, argument: string, tag: string) => `${argument}${tag}@${digests.get(tag)}`),
  );
  return [...digests].map(([tag, digest]) => `${tag}@${digest}`);
}
