/** The smallest jobs there are, each of a tenant of its own so that no answer is there before. */
import { newJob } from '../functions/jobs/submit.ts';
import { sharp } from '../gpu-worker/image/sharp.ts';
import { inputKey } from '../shared/aws/input-keys.ts';
import { type Job, newJobId } from '../shared/job.ts';
import { MODEL, type Stores } from './cases.ts';

export type TinyKind = 'classification' | 'super-resolution';

const asked = {
  classification: { task: 'classification', model: 'image-classifier', parameters: { top_k: 5 } },
  'super-resolution': {
    task: 'super-resolution',
    model: MODEL,
    parameters: { upscale_factor: 2, output_format: 'png' },
  },
} as const;

const limits = {
  OUTBOARD_JOB_DEADLINE_SECONDS: 3_600,
  OUTBOARD_JOB_RETENTION_SECONDS: 3_600,
  OUTBOARD_JOB_MAX_ATTEMPTS: 5,
};

export const tinyPicture = (): Promise<Buffer> =>
  sharp({ create: { width: 16, height: 16, channels: 3, background: '#2a4d69' } })
    .png()
    .toBuffer();

export const tinyJob = (kind: TinyKind, bucket: string, id = newJobId()): Job =>
  newJob(
    {
      id,
      tenant: `tenant-${id}`,
      ...asked[kind],
      input: { kind: 'object', bucket, key: inputKey('bench', 'tiny') },
      requestHash: '',
    },
    limits,
    new Date(),
  );

/** How many are sent at once. */
const AT_ONCE = 50;

/** @returns once all of them wait in the queue */
export async function submitTiny(
  { jobs, queue, uploads }: Stores,
  kind: TinyKind,
  count: number,
): Promise<void> {
  await uploads.put(inputKey('bench', 'tiny'), await tinyPicture(), { contentType: 'image/png' });
  for (let left = count; left > 0; left -= AT_ONCE) {
    const some = Array.from({ length: Math.min(left, AT_ONCE) }, () => tinyJob(kind, uploads.bucket));
    await Promise.all(
      some.map(async (job) => {
        await jobs.create(job);
        await queue.send(job.id, job.tenant);
      }),
    );
  }
}
