/**
 * The worker started from nothing but what the image would hold, against the local services: it gets ready, passes
 * its health check and leaves on SIGTERM. As root the tests also take its rights to write away.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startQueue } from '../../local/queue.ts';
import { startS3Server } from '../../local/s3/server.ts';
import { seedModels } from '../../local/seed-models.ts';
import { credentials, names, stackEnvironment } from '../../local/settings.ts';
import { startTable } from '../../local/table.ts';
import { untilAnswers } from '../../local/until-answers.ts';
import { ROOT } from '../../scripts/image/dockerfile.ts';
import { connectModels } from '../../shared/aws/connect-catalog.ts';
import { testPort } from '../port.ts';
import { onLinuxX64 } from './folder.ts';
import { makeImageTree } from './image-tree.ts';

const PORT = testPort(4_720);
/** The user of the image. */
const USER = 10_001;
const asRoot = process.getuid?.() === 0;

describe.skipIf(!onLinuxX64)('the worker as the image holds it', () => {
  const closers: (() => Promise<unknown>)[] = [];
  let app: string;
  let scratch: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    // Beside node_modules, because hard links do not leave a file system.
    await mkdir(path.join(ROOT, '.build'), { recursive: true });
    app = await mkdtemp(path.join(ROOT, '.build/image-'));
    closers.push(() => rm(app, { recursive: true, force: true }));
    await makeImageTree(path.join(app, 'app'));
    scratch = path.join(app, 'scratch');
    await mkdir(scratch);
    await chmod(app, 0o755);
    if (asRoot) await chown(scratch, USER, USER);

    const [sqs, table, s3] = await Promise.all([
      startQueue(0),
      startTable(0),
      startS3Server({
        directory: path.join(app, 's3'),
        credentials,
        buckets: [names.uploads, names.results, names.models].map((name) => ({ name })),
      }),
    ]);
    closers.unshift(
      () => sqs.close(),
      () => table.close(),
      () => s3.close(),
    );
    environment = {
      ...stackEnvironment({ port: PORT, directory: scratch }),
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_DYNAMODB: table.url,
      AWS_ENDPOINT_URL_S3: s3.url,
      OUTBOARD_QUEUE_URL: `${sqs.url}/000000000000/${names.queue}`,
      HOME: scratch,
      TMPDIR: scratch,
    };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    });
    await seedModels(
      connectModels({
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_S3: s3.url,
        OUTBOARD_QUEUE_URL: '',
        OUTBOARD_JOBS_TABLE: names.table,
        OUTBOARD_MODELS_BUCKET: names.models,
      }),
    );
  });

  afterAll(async () => {
    for (const close of closers) await close();
  });

  /** Node with nothing of this process's environment, in the image's folder, as the image's user where that can be. */
  function node(file: string): { child: ChildProcess; output: () => string } {
    const child = spawn(process.execPath, [file], {
      cwd: path.join(app, 'app'),
      env: environment,
      ...(asRoot ? { uid: USER, gid: USER } : {}),
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
    }
    return { child, output: () => text };
  }

  const ended = async (child: ChildProcess): Promise<number | string | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.signalCode ?? child.exitCode;
  };

  it('gets ready, is healthy, writes nothing but models, and leaves on SIGTERM', async () => {
    const worker = node('gpu-worker/main.ts');
    closers.unshift(async () => worker.child.kill('SIGKILL'));
    const gone = ended(worker.child).then(() => Promise.reject(new Error(worker.output())));
    await Promise.race([untilAnswers(`http://127.0.0.1:${environment.OUTBOARD_METRICS_PORT}/health`), gone]);

    const check = node('gpu-worker/healthcheck.ts');
    expect(await ended(check.child), check.output()).toBe(0);
    expect(check.output()).toContain('"status":"ready"');
    // Nothing else: neither a cache nor a file that says onnxruntime reports to its makers.
    expect(await readdir(scratch)).toEqual(['models']);

    gone.catch(() => undefined);
    worker.child.kill('SIGTERM');
    expect(await ended(worker.child), worker.output()).toBe(0);
  });
});
