/** One job with its message on real services, a pipeline that does what the test says, and workers to run it. */

import { Company } from '../../gpu-worker/company.ts';
import { type JobContext, type Pipeline, type RunJobServices, runJob } from '../../gpu-worker/run-job.ts';
import { Worker } from '../../gpu-worker/worker.ts';
import type { JobQueue, ReceivedMessage } from '../../shared/aws/job-queue.ts';
import { isTerminal, type Job } from '../../shared/job.ts';
import { queuedJob, type Services, silent, type TestQueue } from '../job/services.ts';

/** Visibility is counted in whole seconds; the shortest makes a crashed attempt come back soonest. */
const VISIBLE_AFTER_SECONDS = 1;
const POLL_SECONDS = 10;

type Work = (job: Job, context: JobContext) => Promise<void> | void;

/** Does `work`, and keeps which files each attempt left, as `job/fence`. */
export class ScriptedPipeline implements Pipeline {
  readonly attempts: Pick<Job, 'id' | 'attempt' | 'fence'>[] = [];
  readonly files = new Set<string>();
  readonly #work: Work;

  constructor(work: Work = () => {}) {
    this.#work = work;
  }

  versionFor(): string {
    return 'scripted@1';
  }

  async run(job: Job, context: JobContext): ReturnType<Pipeline['run']> {
    const { id, attempt, fence } = job;
    this.attempts.push({ id, attempt, fence });
    await this.#work(job, context);
    this.files.add(`${id}/${fence}`);
    return { output: { files: {}, facts: { fence } }, timings: { total_ms: 1 } };
  }

  async discard({ id, fence }: Job): Promise<void> {
    this.files.delete(`${id}/${fence}`);
  }

  async tidy({ id, fence }: Job): Promise<void> {
    for (const file of this.files) {
      if (file.startsWith(`${id}/`) && file !== `${id}/${fence}`) this.files.delete(file);
    }
  }
}

export type WorkerServices = RunJobServices & { readonly queue: JobQueue };

export interface Bench extends TestQueue {
  readonly jobs: Services['jobs'];
  readonly job: Job;
  readonly id: string;
  readonly pipeline: ScriptedPipeline;
  readonly services: WorkerServices;
  row(): Promise<Job | undefined>;
  /** The next message, hidden for as short as SQS can. @throws where none comes within the longest poll */
  take(): Promise<ReceivedMessage>;
  /** Receives one message and runs it. */
  runNext(changes?: Partial<RunJobServices>): ReturnType<typeof runJob>;
  /** Runs whatever comes until the job has ended and no message is left. */
  runOut(changes?: Partial<RunJobServices>): Promise<void>;
}

export async function setup(
  open: Services,
  { work, ...changes }: Partial<Job> & { work?: Work } = {},
): Promise<Bench> {
  const { jobs } = open;
  const testQueue = await open.newQueue();
  const { queue } = testQueue;
  const job = queuedJob(changes);
  await jobs.create(job);
  await queue.send(job.id, job.tenant);
  const pipeline = new ScriptedPipeline(work);
  const services: WorkerServices = {
    jobs,
    queue,
    pipeline,
    workerId: 'worker',
    leaseSeconds: 30,
    company: new Company(),
    log: silent,
  };
  const row = () => jobs.get(job.id);
  const take = async () => {
    const [message] = await queue.receive(1, POLL_SECONDS, VISIBLE_AFTER_SECONDS);
    if (message === undefined) throw new Error('No message came.');
    return message;
  };
  const runNext = async (other: Partial<RunJobServices> = {}) =>
    runJob({ ...services, ...other }, await take(), () => {});
  return {
    ...testQueue,
    jobs,
    job,
    id: job.id,
    pipeline,
    services,
    row,
    take,
    runNext,
    async runOut(other) {
      for (;;) {
        const now = await row();
        if ((now === undefined || isTerminal(now.status)) && (await testQueue.held()) === 0) return;
        await runNext(other);
      }
    },
  };
}

/** The same object, with every call of a method handed to `meet`, which may change the arguments, make the call, or not. */
export function intercept<T extends object>(
  target: T,
  meet: (verb: string, args: unknown[], call: () => unknown) => unknown,
): T {
  return new Proxy(target, {
    get(_, verb) {
      const member: unknown = Reflect.get(target, verb, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => meet(String(verb), args, () => Reflect.apply(member, target, args));
    },
  });
}

/** Work that goes on until its signal is aborted, and when it has begun. */
export function endlessWork() {
  const begun = Promise.withResolvers<JobContext>();
  const work: Work = (_, context) =>
    new Promise((_, reject) => {
      context.signal.throwIfAborted();
      context.signal.addEventListener('abort', () => reject(context.signal.reason));
      begun.resolve(context);
    });
  return { work, begun: begun.promise };
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });

/** Nothing is ever due: the messages of a test are all its worker has. */
const nothingDue = { async *due() {} };

export function newWorker(
  services: Omit<RunJobServices, 'company' | 'queue'> & {
    readonly queue: ConstructorParameters<typeof Worker>[0]['queue'];
    readonly index?: { due(now: Date): AsyncGenerator<string> };
  },
  places = 2,
) {
  const results: string[] = [];
  const worker = new Worker({
    index: nothingDue,
    ...services,
    places: () => places,
    pollSeconds: 1,
    onResult: ({ result }) => results.push(result),
  });
  return { worker, results };
}
