/** What each call costs while ever more jobs wait. The stand-ins for SQS and DynamoDB are part of every figure. */
import { newJob } from '../../functions/jobs/submit.ts';
import { connectJobs } from '../../shared/aws/connect.ts';
import { type Job, newJobId } from '../../shared/job.ts';
import type { Stores } from '../cases.ts';
import { median } from '../median.ts';

export interface QueueFigures {
  /** Jobs that wait. */
  readonly queued: number;
  /** Medians, ms. */
  readonly submitMs: number;
  readonly claimMs: number;
  readonly settleMs: number;
  /** A page of the tenant's newest jobs. */
  readonly listMs: number;
  /** What stands before the newest job. */
  readonly aheadMs: number;
  /** The sum over all open jobs, which the scaler forms once a minute. */
  readonly openWorkMs: number;
}

const CALLS = 40;
const SUMS = 5;
const PAGE = 20;
const AT_ONCE = 8;
const LEASE_SECONDS = 600;

async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  times.push(performance.now() - start);
  return result;
}

export class GrowingQueue {
  readonly #stores: Stores;
  readonly #index;
  #queued = 0;

  constructor(stores: Stores) {
    this.#stores = stores;
    this.#index = connectJobs(stores.settings).index;
  }

  /** Fills the queue up to this many jobs, then times each call, one after the other. */
  async measure(queued: number): Promise<QueueFigures> {
    const filling = Array.from({ length: AT_ONCE }, async () => {
      while (this.#queued < queued) {
        this.#queued += 1;
        await this.#submit();
      }
    });
    await Promise.all(filling);

    const times = {
      submit: [] as number[],
      claim: [] as number[],
      settle: [] as number[],
      list: [] as number[],
      ahead: [] as number[],
      openWork: [] as number[],
    };
    let newest: Job | undefined;
    for (let call = 0; call < CALLS; call++) newest = await timed(times.submit, () => this.#submit());
    for (let call = 0; call < SUMS; call++) {
      await timed(times.list, () => this.#index.list('bench', { limit: PAGE }));
      if (newest !== undefined) await timed(times.ahead, () => this.#index.ahead(newest));
      const open = await timed(times.openWork, () => this.#index.openWork());
      if (open.queued !== queued + CALLS) throw new Error(`${open.queued} jobs wait, not ${queued + CALLS}.`);
    }
    for (let call = 0; call < CALLS; call++) {
      const held = await timed(times.claim, () => this.#claim());
      await timed(times.settle, () => this.#settle(held));
    }
    return {
      queued,
      submitMs: median(times.submit),
      claimMs: median(times.claim),
      settleMs: median(times.settle),
      listMs: median(times.list),
      aheadMs: median(times.ahead),
      openWorkMs: median(times.openWork),
    };
  }

  /** As the API accepts a job, without its picture. */
  async #submit(): Promise<Job> {
    const { settings, jobs, queue, uploads } = this.#stores;
    const now = new Date();
    const draft = {
      id: newJobId(),
      tenant: 'bench',
      task: 'super-resolution',
      model: 'super-resolution-tiny',
      parameters: {},
      input: { kind: 'object', bucket: uploads.bucket, key: 'none' } as const,
      requestHash: '',
      workSeconds: 1,
    };
    const { job } = await jobs.create(newJob(draft, settings, now));
    await queue.send(job.id, job.tenant);
    await jobs.markEnqueued(job, now);
    // The index knows it by its deadline from now on.
    return { ...job, sweep_at: job.deadline_at };
  }

  async #claim(): Promise<{ job: Job; receipt: string }> {
    const { jobs, queue } = this.#stores;
    const [message] = await queue.receive(1, 1, LEASE_SECONDS);
    if (message === undefined) throw new Error('The queue gave nothing, though jobs wait.');
    const now = new Date();
    const found = await jobs.claim(message.jobId, 'bench', now, now.getTime() + LEASE_SECONDS * 1000);
    if (found.kind !== 'claimed') throw new Error(`A claim found the job ${found.kind}.`);
    return { job: found.job, receipt: message.receipt };
  }

  async #settle({ job, receipt }: { job: Job; receipt: string }): Promise<void> {
    const { jobs, queue } = this.#stores;
    const settled = await jobs.succeed(job, { files: {}, facts: {} }, {}, new Date());
    if (!settled) throw new Error('The row refused its holder.');
    await queue.delete(receipt);
  }
}
