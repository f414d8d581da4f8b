/**
 * Jobs of a classifier or detector. Each is of a tenant of its own, so that no answer was there before, unless answers that
 * were there before are what is asked for.
 */
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { newJob } from '../../functions/jobs/submit.ts';
import { inputKey } from '../../shared/aws/input-keys.ts';
import { MAX_BATCH } from '../../shared/aws/job-queue.ts';
import { type Job, type JobMessage, newJobId } from '../../shared/job.ts';
import { picture, type Stores } from '../cases.ts';
import type { Workload } from '../throughput.ts';
import type { PackagedModel } from './packages.ts';

export interface ModelCase extends Pick<PackagedModel, 'title' | 'name' | 'task' | 'folder'> {
  /** Whether every job but the first is answered by what the first one left. */
  readonly isRepeated: boolean;
}

export const PHOTO = { width: 640, height: 480 } as const;
const PICTURE_KEY = inputKey('bench', 'photo');
/** How many are sent at once. */
const AT_ONCE = 50;
/** Asking the queue takes time of the machine that is measured. */
const LOOK_AGAIN_MS = 50;
/** Every job of it is this tenant's. */
const REPEATING = 'bench';

const parametersOf = { classification: { top_k: 5 }, 'object-detection': {} } as const;

/** Rows first, then messages ten at a call: a queue that fills slowly is not full. @returns ids */
export async function submitModelJobs(
  { settings, jobs, uploads }: Stores,
  { name, task, isRepeated }: ModelCase,
  count: number,
): Promise<string[]> {
  await uploads.put(PICTURE_KEY, await picture(PHOTO), { contentType: 'image/jpeg' });
  const rows = Array.from({ length: count }, (): Job => {
    const id = newJobId();
    const draft = {
      id,
      tenant: isRepeated ? REPEATING : `bench-${id}`,
      task,
      model: name,
      parameters: parametersOf[task],
      input: { kind: 'object', bucket: uploads.bucket, key: PICTURE_KEY } as const,
      requestHash: '',
    };
    return newJob(draft, settings, new Date());
  });
  for (const some of chunks(rows, AT_ONCE)) await Promise.all(some.map((row) => jobs.create(row)));
  await sendAll(settings, rows);
  return rows.map(({ id }) => id);
}

async function sendAll(
  { AWS_REGION, AWS_ENDPOINT_URL_SQS, OUTBOARD_QUEUE_URL }: Stores['settings'],
  rows: readonly Job[],
): Promise<void> {
  const endpoint = AWS_ENDPOINT_URL_SQS === undefined ? {} : { endpoint: AWS_ENDPOINT_URL_SQS };
  const client = new SQSClient({ region: AWS_REGION, ...endpoint, useQueueUrlAsEndpoint: false });
  const calls = chunks(rows, MAX_BATCH).map((some) => {
    const Entries = some.map(({ id, tenant }, index) => {
      const message: JobMessage = { job_id: id };
      return { Id: String(index), MessageBody: JSON.stringify(message), MessageGroupId: tenant };
    });
    return client.send(new SendMessageBatchCommand({ QueueUrl: OUTBOARD_QUEUE_URL, Entries }));
  });
  const failed = (await Promise.all(calls)).flatMap(({ Failed = [] }) => Failed);
  client.destroy();
  if (failed.length > 0) throw new Error(`${failed.length} messages were not sent: ${failed[0]?.Message}`);
}

/** As a load for the worker; what is no longer in the queue counts as done. */
export function answering(stores: Stores, asked: ModelCase): Workload {
  const wanted = asked.isRepeated ? 'hit' : 'miss';
  let sent = 0;
  let [taken, lookedAt] = [0, Number.NEGATIVE_INFINITY];
  return {
    name: asked.title,
    async submit(count) {
      sent += count;
      const ids = await submitModelJobs(stores, asked, count);
      lookedAt = Number.NEGATIVE_INFINITY;
      return ids;
    },
    async done() {
      if (performance.now() - lookedAt > LOOK_AGAIN_MS) {
        taken = sent - (await stores.queue.depth());
        lookedAt = performance.now();
      }
      return taken;
    },
    check({ id, output }) {
      if (output?.cache !== wanted)
        throw new Error(`${asked.title}: the cache says ${output?.cache} of ${id}, not ${wanted}`);
    },
  };
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
