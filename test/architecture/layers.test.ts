/**
 * Who may import whom (docs/architecture.md, "Layers"). This is what keeps sharp and onnxruntime out of Lambda, and
 * each AWS service behind one door.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

interface Rule {
  readonly layer: string;
  /** Files of the layer; the first rule that matches a file counts. */
  readonly files: RegExp;
  /** What these files may import: project files by path, packages by name. */
  readonly may: RegExp;
}

const SCHEMA = /^(zod|aws-lambda)$/;
const rules: readonly Rule[] = [
  { layer: 'the log door', files: /^shared\/log\.ts$/, may: /^pino$/ },
  { layer: 'the contract', files: /^shared\/[^/]+\.ts$/, may: or(/^shared\/[^/]+\.ts$/, SCHEMA) },
  {
    layer: 'the guarded network',
    files: /^shared\/net\//,
    may: or(/^shared\/(net\/)?[^/]+\.ts$/, /^(undici|ipaddr\.js)$/),
  },
  { layer: 'AWS doors', files: /^shared\/aws\//, may: or(/^shared\//, /^@aws-sdk\//, SCHEMA) },
  {
    layer: 'the door of Standard Webhooks',
    files: /^functions\/webhooks\/message\.ts$/,
    may: or(/^(functions|shared)\//, /^standardwebhooks$/),
  },
  {
    layer: 'functions',
    files: /^functions\//,
    may: or(/^(functions|shared)\//, /^@middy\//, /^(zod-openapi|image-size)$/, SCHEMA),
  },
  {
    layer: 'the onnxruntime door',
    files: /^gpu-worker\/inference\/session\.ts$/,
    may: or(/^gpu-worker\/inference\//, /^onnxruntime-node$/),
  },
  {
    layer: 'inference',
    files: /^gpu-worker\/inference\//,
    may: or(/^gpu-worker\/inference\//, /^shared\/[^/]+\.ts$/),
  },
  { layer: 'the sharp door', files: /^gpu-worker\/image\/sharp\.ts$/, may: /^sharp$/ },
  {
    layer: 'images',
    files: /^gpu-worker\/image\//,
    may: or(/^gpu-worker\/(image|tensor)\//, /^shared\/[^/]+\.ts$/),
  },
  { layer: 'tensors', files: /^gpu-worker\/tensor\//, may: /^gpu-worker\/tensor\// },
  {
    layer: "operators' commands",
    files: /^cli\/(model(-\w+)?|doctor|doctor\/\w+|redrive|dead-letters|stage|stage-options)\.ts$/,
    may: or(/^(cli|shared|model-tool)\//, /^local\/settings\.ts$/, /^@aws-sdk\//, /^commander$/),
  },
  // Whatever else it takes is waited for at every start.
  { layer: 'the command', files: /^cli\//, may: or(/^cli\//, /^client\/outboard\.ts$/, /^(commander|zod)$/) },
  { layer: 'the client', files: /^client\//, may: /^client\// },
  {
    layer: 'the door of the page',
    files: /^web\/api\.ts$/,
    may: or(/^web\//, /^client\/outboard\.ts$/, /^@preact\/signals$/),
  },
  { layer: 'the page', files: /^web\//, may: or(/^web\//, /^(preact|preact\/hooks|@preact\/signals)$/) },
  { layer: 'the worker', files: /^gpu-worker\//, may: or(/^(gpu-worker|shared)\//, /^prom-client$/) },
];

/** The only files that read the environment; local/ puts a whole stack together and may too. */
const READS_ENVIRONMENT = /^(gpu-worker\/(main|healthcheck)|functions\/[^/]+|cli\/(run|stage))\.ts$/;

const sources = ['shared', 'functions', 'gpu-worker', 'client', 'cli', 'web']
  .flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true }).map((file) => `${folder}/${file}`),
  )
  .filter((file) => /\.tsx?$/.test(file));

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const found = text.matchAll(
    /^(?:import|export)[^;]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gms,
  );
  return [...found]
    .map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
    .filter((name) => !name.startsWith('node:'))
    .map((name) => (name.startsWith('.') ? path.join(path.dirname(file), name) : name));
}

describe('layers', () => {
  it('finds the sources, so that the rules below are not empty', () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(150);
  });

  it.each(sources)('%s imports only what its layer may', (file) => {
    const rule = rules.find(({ files }) => files.test(file));
    expect(rule, `no rule for ${file}`).toBeDefined();
    const forbidden = importsOf(file).filter((name) => rule?.may.test(name) !== true);
    expect(forbidden, `${file} belongs to ${rule?.layer}`).toEqual([]);
  });

  it('reads the environment only where a half is put together', () => {
    const readers = sources.filter((file) => /\bprocess\.env\b/.test(code(file)));
    expect(readers.filter((file) => !READS_ENVIRONMENT.test(file))).toEqual([]);
  });

  it('keeps an SDK client out of the worker and of the functions', () => {
    const halves = sources.filter((file) => !file.startsWith('cli/'));
    const users = halves.filter((file) => importsOf(file).some((name) => name.startsWith('@aws-sdk/')));
    expect(users.every((file) => file.startsWith('shared/aws/'))).toBe(true);
  });
});

/** The text without its comments. */
const code = (file: string): string =>
  readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, '');

function or(...patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => `(?:${source})`).join('|'));
}
