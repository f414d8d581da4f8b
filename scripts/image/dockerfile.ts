/**
 * What gpu-worker/Dockerfile and .dockerignore say, as far as the image command and the tests ask: the bases, and which
 * files of the project the build can see. Only the forms these two files use are understood; others throw.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const DOCKERFILE = 'gpu-worker/Dockerfile';

interface Instruction {
  readonly keyword: string;
  readonly flags: readonly string[];
  readonly words: readonly string[];
  /** The name of the stage it belongs to; empty before the first one. */
  readonly stage: string;
}

export interface BaseImage {
  /** The build argument that names it. */
  readonly argument: string;
  /** name:tag@sha256:digest */
  readonly reference: string;
}

export interface Copy {
  readonly stage: string;
  readonly source: string;
  readonly target: string;
}

export function readInstructions(text: string): Instruction[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  let stage = '';
  return lines.map((line) => {
    const [keyword = '', ...rest] = line.trim().split(/\s+/);
    const first = rest.findIndex((word) => !word.startsWith('--'));
    const flags = rest.slice(0, Math.max(0, first));
    const words = rest.slice(Math.max(0, first));
    if (keyword === 'FROM') stage = words[2] ?? '';
    return { keyword, flags, words, stage };
  });
}

/** The images that stages start from. @throws where one is not pinned by its digest */
export function baseImages(instructions: readonly Instruction[]): BaseImage[] {
  const global = instructions.filter(({ keyword, stage }) => keyword === 'ARG' && stage === '');
  const bases = global.map(({ words: [definition = ''] }) => {
    const [argument = '', reference = ''] = definition.split('=');
    return { argument, reference };
  });
  for (const { argument, reference } of bases) {
    if (!/@sha256:[0-9a-f]{64}$/.test(reference))
      throw new Error(`${argument} of ${DOCKERFILE} is not pinned by a digest: run npm run image -- --pin`);
  }
  const stages = new Set(instructions.map(({ stage }) => stage));
  for (const { keyword, words } of instructions) {
    const from = words[0]?.replace(/^\$\{(.*)\}$/, '$1') ?? '';
    const known = stages.has(from) || bases.some(({ argument }) => argument === from);
    if (keyword === 'FROM' && !known)
      throw new Error(`FROM ${words[0]} is neither a stage nor a pinned image.`);
  }
  return bases;
}

/** What is copied from the project, not from another stage. */
export function projectCopies(instructions: readonly Instruction[]): Copy[] {
  return instructions
    .filter(({ keyword, flags }) => keyword === 'COPY' && !flags.some((flag) => flag.startsWith('--from=')))
    .flatMap(({ words, stage }) => {
      const target = words.at(-1) ?? '';
      return words.slice(0, -1).map((source) => ({ stage, source, target }));
    });
}

/** Every file of the project that can change the image, sorted. Paths are relative to the project. */
export function buildInputs(): string[] {
  const instructions = readInstructions(readFileSync(path.join(ROOT, DOCKERFILE), 'utf8'));
  const mounts = instructions.flatMap(({ flags }) =>
    flags.flatMap((flag) => /^--mount=type=bind,source=([^,]+)/.exec(flag)?.[1] ?? []),
  );
  const sources = new Set([...projectCopies(instructions).map(({ source }) => source), ...mounts]);
  const isSent = ignoreRules(readFileSync(path.join(ROOT, '.dockerignore'), 'utf8'));
  return [...sources].flatMap(filesOf).filter(isSent).sort();
}

function filesOf(source: string): string[] {
  if (statSync(path.join(ROOT, source)).isFile()) return [source];
  return readdirSync(path.join(ROOT, source), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)));
}

/** Whether .dockerignore lets a file into the build: the last line that matches it decides. */
export function ignoreRules(text: string): (file: string) => boolean {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ pattern: line.replace(/^!/, ''), sent: line.startsWith('!') }));
  const matches = (file: string, pattern: string) =>
    pattern === '*' || file.startsWith(`${pattern}/`) || path.matchesGlob(file, pattern);
  return (file) => rules.findLast(({ pattern }) => matches(file, pattern))?.sent ?? true;
}
