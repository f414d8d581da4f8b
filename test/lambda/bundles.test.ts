/**
 * Every function is started the way Lambda starts it: from its zip alone, in a folder without node_modules, with no
 * environment but its own, fed through the runtime API. The services they ask for are not there (port 9 discards).
 */
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LambdaFunction, startFunction } from '../../check-aws/lambda/function.ts';
import { buildFunctions } from '../../scripts/build-functions.ts';

const MAX_ZIP_BYTES = 1_000_000;
const nowhere = 'http://127.0.0.1:9';
const environment = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'nobody',
  AWS_SECRET_ACCESS_KEY: 'nothing',
  AWS_MAX_ATTEMPTS: '1',
  AWS_ENDPOINT_URL: nowhere,
  AWS_ENDPOINT_URL_SQS: nowhere,
  AWS_ENDPOINT_URL_DYNAMODB: nowhere,
  AWS_ENDPOINT_URL_S3: nowhere,
  OUTBOARD_QUEUE_URL: `${nowhere}/000000000000/jobs`,
  OUTBOARD_JOBS_TABLE: 'jobs',
  OUTBOARD_UPLOADS_BUCKET: 'uploads',
  OUTBOARD_RESULTS_BUCKET: 'results',
  OUTBOARD_MODELS_BUCKET: 'models',
};
const zipOf = (name: string) => path.resolve(import.meta.dirname, `../../.build/${name}.zip`);

const httpEvent = {
  httpMethod: 'GET',
  path: '/v1/anything',
  headers: { host: 'api.example', 'content-type': 'application/json' },
  queryStringParameters: null,
  pathParameters: { id: `job_${'a'.repeat(24)}`, name: 'm' },
  body: '{"image_base64": "aGVsbG8="}',
  isBase64Encoded: false,
  requestContext: { path: '/v1/anything', identity: { apiKeyId: 'tenant' } },
};

/** Functions that no route calls, with the smallest event of their kind and what they make of it without services. */
const triggered: Readonly<Record<string, { event: unknown; outcome: RegExp | object | null }>> = {
  'on-upload': { event: { Records: [] }, outcome: null },
  'on-dead-letter': { event: { Records: [] }, outcome: null },
  channel: {
    event: { requestContext: { connectionId: 'c', eventType: 'MESSAGE' } },
    outcome: { statusCode: 500, body: '' },
  },
  'deliver-webhook': { event: { Records: [{ body: 'not ours' }] }, outcome: null },
  sweep: { event: {}, outcome: /ECONNREFUSED/ },
  scale: { event: {}, outcome: /ECONNREFUSED/ },
};

const names = readdirSync(path.resolve(import.meta.dirname, '../../functions'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => path.basename(file, '.ts'));

beforeAll(async () => {
  await buildFunctions();
});

describe.each(names)('the bundle of %s', (name) => {
  let started: LambdaFunction | undefined;
  afterAll(() => started?.close());

  it('is small, and holds its own file, what that loads late, and nothing of the worker', async () => {
    const zip = await readFile(zipOf(name));
    expect(zip.byteLength).toBeLessThan(MAX_ZIP_BYTES);
    const files = unzipSync(zip);
    const text = (file: string) => Buffer.from(files[file] ?? []).toString();
    const late = [...text(`functions/${name}.cjs`).matchAll(/"\.\/(late\/[\w-]+\.cjs)"/g)].map(
      ([, file]) => `functions/${file}`,
    );
    expect(Object.keys(files)).toEqual([`functions/${name}.cjs`, ...[...new Set(late)].sort()]);
    for (const file of Object.keys(files)) {
      expect(text(file)).not.toMatch(
        /onnxruntime|@img\/|libvips|require\("sharp"\)|OUTBOARD_SCRATCH_DIRECTORY/,
      );
    }
  });

  it('has the SDK once in each file, not behind a function for each module', async () => {
    for (const bytes of Object.values(unzipSync(await readFile(zipOf(name))))) {
      expect(Buffer.from(bytes).toString()).not.toMatch(/Promise\.resolve\(\)\.then\(\(\)=>\(\w+\(\),/);
    }
  });

  it('starts from its zip alone and answers an event', async () => {
    started = await startFunction({
      zip: zipOf(name),
      handler: `functions/${name}.handler`,
      name,
      timeoutMs: 30_000,
      environment,
    });
    const { event, outcome } = triggered[name] ?? { event: httpEvent, outcome: undefined };
    const answer = await started.invoke(event).catch((error: Error) => error.message);
    if (outcome instanceof RegExp) expect(answer).toMatch(outcome);
    else if (outcome !== undefined) expect(answer).toEqual(outcome);
    else {
      expect(answer).toMatchObject({
        statusCode: name === 'openapi' ? 200 : expect.toBeOneOf([404, 500, 503]),
        headers: { 'access-control-allow-origin': '*' },
      });
      expect(JSON.parse((answer as { body: string }).body)).toEqual(
        name === 'openapi'
          ? expect.objectContaining({ openapi: '3.1.0' })
          : name === 'health'
            ? expect.objectContaining({ status: 'degraded' })
            : expect.objectContaining({ code: expect.any(String) }),
      );
    }
  });
});

it('can load what a function loads late, from the zip alone', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'outboard-late-'));
  try {
    const exported = {
      'delete-job': { 'open-channel': 'openPublisher', 'open-webhooks': 'openWebhookQueue' },
      'create-job': { 'invoke-function': 'invokeFunction' },
    };
    for (const [name, late] of Object.entries(exported)) {
      const files = unzipSync(await readFile(zipOf(name)));
      for (const [file, what] of Object.entries(late)) {
        const target = path.join(folder, `${file}.cjs`);
        await writeFile(target, files[`functions/late/${file}.cjs`] ?? '');
        expect(createRequire(import.meta.url)(target)).toHaveProperty(what, expect.any(Function));
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('tells why a bundle cannot be loaded', async () => {
  const { OUTBOARD_JOBS_TABLE: _, ...incomplete } = environment;
  const broken = await startFunction({
    zip: zipOf('get-job'),
    handler: 'functions/get-job.handler',
    name: 'get-job',
    timeoutMs: 30_000,
    environment: incomplete,
  });
  try {
    await expect(broken.invoke(httpEvent)).rejects.toThrow('OUTBOARD_JOBS_TABLE');
  } finally {
    await broken.close();
  }
});
