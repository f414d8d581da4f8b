/**
 * A whole stack for one test file, and a client of its API. Each file brings its own ports (it takes ten of them), so
 * that files can run side by side; what the stack printed is shown with a test that failed.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { z } from 'zod';
import { API_KEY, credentials, HOST, names, portsFrom } from '../../local/settings.ts';
import { type Stack, startStack } from '../../local/stack.ts';
import { connectFleet, connectJobs } from '../../shared/aws/connect.ts';
import { isTerminal, type Job } from '../../shared/job.ts';
import { jobSchema } from '../../shared/job-response.ts';
import { testPort } from '../port.ts';

const SHOWN_LINES = 80;
/** As from a web page, so that every answer must be one that a page may read. */
const ORIGIN = 'http://page.example';

type AnyJob = z.infer<typeof jobSchema>;
/** A job that enlarges a picture. */
export type JobView = Omit<AnyJob, 'output'> & {
  readonly output?: Extract<AnyJob['output'], { sr_image_url: string }>;
};

export function readJob(body: unknown): JobView {
  const { output, ...job } = jobSchema.parse(body);
  if (output === undefined) return job;
  if (!('sr_image_url' in output)) throw new Error(`${job.id} did not enlarge a picture.`);
  return { ...job, output };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, where the answer is JSON. */
  readonly body: unknown;
}

/** Starts the stack before the tests of the file that calls this and ends it after them. */
export function setup(
  basePort: number,
  environment: Record<string, string> = {},
  { fleet = false }: { fleet?: boolean } = {},
) {
  const port = testPort(basePort);
  const ports = portsFrom(port);
  const url = `http://${HOST}:${ports.api}`;
  const lines: string[] = [];
  let stack: Stack;
  let directory: string;

  const open = async () => {
    stack = await startStack({ port, directory, environment, fleet, print: (line) => lines.push(line) });
  };
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'outboard-e2e-'));
    await open();
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(lines.slice(-SHOWN_LINES).join('\n'));
  });
  afterAll(async () => {
    await stack?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const s3 = new S3Client({
    endpoint: `http://${HOST}:${ports.s3}`,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
  });

  /** @param body a string is sent as it is, anything else as JSON */
  async function send(
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await fetch(url + route, {
      method,
      headers: {
        'x-api-key': API_KEY,
        origin: ORIGIN,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = /^application\/(problem\+)?json/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      headers: answer.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    };
  }

  /** A job accepted for these fields. @returns as 202 shows it */
  async function submit(
    fields: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<JobView> {
    const answer = await send('POST', '/v1/jobs', fields, headers);
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 });
    return readJob(answer.body);
  }

  const job = async (id: string): Promise<JobView> => readJob((await send('GET', `/v1/jobs/${id}`)).body);

  /** The job once it has ended, however it did. */
  async function ended(id: string): Promise<JobView> {
    for (;;) {
      const answer = await send('GET', `/v1/jobs/${id}?wait=20`);
      // An uploaded file becomes a job a moment after the upload.
      if (answer.status === 404) {
        await sleep(100);
        continue;
      }
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
      const seen = readJob(answer.body);
      if (isTerminal(seen.status)) return seen;
    }
  }

  /** Submits a picture inline and waits for its end. */
  async function enlarge(picture: Buffer, fields: Record<string, unknown> = {}): Promise<JobView> {
    const { id } = await submit({ image_base64: picture.toString('base64'), ...fields });
    return ended(id);
  }

  async function download(link: string | undefined): Promise<Buffer> {
    const answer = await fetch(link ?? '');
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  }

  /** Keys under a prefix of a bucket. */
  async function keys(bucket: 'uploads' | 'results', prefix: string): Promise<string[]> {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: names[bucket], Prefix: prefix, ContinuationToken: token }),
      );
      found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  const settings = {
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_DYNAMODB: `http://${HOST}:${ports.dynamodb}`,
    OUTBOARD_JOBS_TABLE: names.table,
    OUTBOARD_QUEUE_URL: '',
    OUTBOARD_MODELS_BUCKET: '',
  };
  const { jobs } = connectJobs(settings);
  /** The job's row as the table has it. */
  async function row(id: string): Promise<Job> {
    const job = await jobs.get(id);
    if (job === undefined) throw new Error(`There is no row of ${id}.`);
    return job;
  }

  const workerText = async (route: '/metrics' | '/health'): Promise<string> =>
    (await fetch(`http://${HOST}:${ports.metrics}${route}`)).text();

  return {
    url,
    s3Url: `http://${HOST}:${ports.s3}`,
    ports,
    send,
    submit,
    job,
    ended,
    enlarge,
    download,
    keys,
    row,
    /** What the parts of the stack have printed. */
    lines,
    /** The worker process of this moment. */
    workerPid: (): number => stack.worker?.pid ?? 0,
    workerId: async (): Promise<string> => JSON.parse(await workerText('/health')).id,
    /** One number of the worker's /metrics; `name` with labels as it stands there. */
    metric: async (name: string): Promise<number> => {
      const line = (await workerText('/metrics')).split('\n').find((text) => text.startsWith(`${name} `));
      return Number(line?.split(' ').at(-1) ?? 0);
    },
    /** The table's door, for tests that stand in for another part of the system. */
    jobs,
    /** For connecting to further stores. */
    settings,
    /** What the fleet's rows say; workers by `workers(now)`. */
    fleetRows: connectFleet(settings),
    /** Worker processes that a fleet has now. */
    workerCount: (): number => stack.fleet?.size ?? 0,
    protectedCount: (): number => stack.fleet?.protectedTasks ?? 0,
    /** Where the stack keeps its data. */
    directory: () => directory,
    close: () => stack.close(),
    /** Starts the stack anew on the same data. */
    reopen: open,
  };
}

/** Looks again until it holds; the test's time limit is the only one. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50);
}

/** All processes below this one, children of children included; esbuild's helper ends with the process that built. */
export async function descendants(): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,comm=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const below = (parent: number): number[] =>
    rows
      .filter(([, ppid, command]) => Number(ppid) === parent && command !== 'ps' && command !== 'esbuild')
      .flatMap(([pid]) => [Number(pid), ...below(Number(pid))]);
  return below(process.pid);
}
