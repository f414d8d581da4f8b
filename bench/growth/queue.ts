/** What each call costs while ever more jobs wait. The stand-ins for SQS and DynamoDB are part of every figure. */
import { newJob } from '../../functions/jobs/submit.ts';
import { connectJobs } from '../../shared/aws/connect.ts';
import { type Job, newJobId } from '../../shared/job.ts';
import type { Stores } from '../cases.ts';
import { cpuOf } from '../peers/process-tree.ts';

export interface QueueFigures {
  /** Jobs that wait. */
  readonly queued: number;
  /** CPU of caller and services together, ms a call. */
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
const SUMS = 10;
const PAGE = 20;
const AT_ONCE = 8;
const LEASE_SECONDS = 600;

export class GrowingQueue {
  readonly #stores: Stores;
  readonly #index;
  readonly #processes: readonly number[];
  #queued = 0;

  /** @param services the process that stands in for SQS and DynamoDB */
  constructor(stores: Stores, services: number) {
    this.#stores = stores;
    this.#processes = [process.pid, services];
    this.#index = connectJobs(stores.settings).index;
  }

  /** Fills the queue up to this many jobs, then asks for each call many times, one after the other. */
  async measure(queued: number): Promise<QueueFigures> {
    const filling = Array.from({ length: AT_ONCE }, async () => {
      while (this.#queued < queued) {
        this.#queued += 1;
        await this.#submit();
      }
    });
    await Promise.all(filling);

    const newest: Job[] = [];
    const held: { job: Job; receipt: string }[] = [];
    const submitMs = await this.#cost(CALLS, async () => void newest.unshift(await this.#submit()));
    const [last] = newest;
    if (last === undefined) throw new Error('Nothing was submitted.');
    const listMs = await this.#cost(CALLS, () => this.#index.list('bench', { limit: PAGE }));
    const aheadMs = await this.#cost(SUMS, () => this.#index.ahead(last));
    const openWorkMs = await this.#cost(SUMS, async () => {
      const open = await this.#index.openWork();
      if (open.queued !== queued + CALLS) throw new Error(`${open.queued} jobs wait, not ${queued + CALLS}.`);
    });
    const claimMs = await this.#cost(CALLS, async () => void held.push(await this.#claim()));
    const settleMs = await this.#cost(CALLS, async () => {
      const next = held.pop();
      if (next !== undefined) await this.#settle(next);
    });
    return { queued, submitMs, claimMs, settleMs, listMs, aheadMs, openWorkMs };
  }

  async #cost(calls: number, work: () => Promise<unknown>): Promise<number> {
    const before = cpuOf(this.#processes);
    for (let call = 0; call < calls; call++) await work();
    return (cpuOf(this.#processes) - before) / calls;
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
