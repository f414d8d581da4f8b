/**
 * Random lives of a job, step by step against a model that is small enough to be read: two workers and a client do
 * anything at any time, also with claims that they lost long ago, and time passes in between.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ClaimOutcome, JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { isTerminal, type Job, type JobStatus } from '../../shared/job.ts';
import { limits, queuedJob, useServices } from './services.ts';

const START = new Date('2030-01-01T00:00:00.000Z');
const LEASE_MS = 30_000;
const DEADLINE_MS = limits.OUTBOARD_JOB_DEADLINE_SECONDS * 1000;
const MAX_ATTEMPTS = limits.OUTBOARD_JOB_MAX_ATTEMPTS;
const reason = new OutboardError('model_failed').toPublic();

const byHolder = ['renew', 'report', 'succeed', 'fail', 'requeue', 'release', 'standBy', 'begin'] as const;
/** Fewer than the attempts, so that both limits are met. */
const QUARANTINE_AFTER = 2;
const ends = ['canceled', 'expired', 'failed'] as const;

type Action =
  | { readonly do: 'claim' | (typeof byHolder)[number]; readonly worker: number }
  | { readonly do: 'end'; readonly as: (typeof ends)[number] }
  | { readonly do: 'reopen' }
  | { readonly do: 'wait'; readonly ms: number };

/** What is true of the job, and the last fence that each worker was given. */
interface Model {
  status: JobStatus;
  attempt: number;
  unreported: number;
  fence: number;
  leaseUntil: number;
  deadline: number;
  now: number;
  readonly fences: number[];
  /** `unreported` as each worker was given it. */
  readonly claimed: number[];
}

/** The whole life of a job. @returns what the store must answer: a kind of claim, or whether it was done */
function step(model: Model, action: Action): ClaimOutcome['kind'] | boolean {
  const open = !isTerminal(model.status);
  if (action.do === 'wait') model.now += action.ms;
  if (action.do === 'wait') return true;
  if (action.do === 'end') {
    if (open) model.status = action.as;
    return open;
  }
  if (action.do === 'reopen') {
    if (open || model.status === 'succeeded') return false;
    Object.assign(model, { status: 'queued', attempt: 0, unreported: 0, deadline: model.now + DEADLINE_MS });
    return true;
  }
  if (action.do === 'claim') {
    if (!open) return 'finished';
    if (model.deadline <= model.now) return 'overdue';
    if (model.status === 'running' && model.leaseUntil >= model.now) return 'leased';
    if (model.unreported >= QUARANTINE_AFTER) return 'quarantined';
    if (model.attempt >= MAX_ATTEMPTS) return 'exhausted';
    model.unreported += 1;
    model.status = 'running';
    model.attempt += 1;
    model.fence += 1;
    model.leaseUntil = model.now + LEASE_MS;
    model.fences[action.worker] = model.fence;
    model.claimed[action.worker] = model.unreported;
    return 'claimed';
  }
  if (model.fences[action.worker] !== model.fence) return false;
  // A success that is reported again is still this worker's success.
  if (model.status === 'succeeded') return action.do === 'succeed';
  if (model.status !== 'running') return false;
  if (action.do === 'renew') {
    // The deadline is stronger than any lease.
    if (model.deadline <= model.now) return false;
    model.leaseUntil = model.now + LEASE_MS;
  }
  if (action.do === 'succeed') model.status = 'succeeded';
  if (action.do === 'fail') model.status = 'failed';
  if (action.do === 'requeue' || action.do === 'release') model.status = 'queued';
  if (action.do === 'requeue' || action.do === 'release') model.unreported -= 1;
  if (action.do === 'release') model.attempt -= 1;
  if (action.do === 'standBy') {
    // Each worker stands by once, with the row as it was claimed.
    if (model.unreported !== model.claimed[action.worker]) return false;
    model.attempt -= 1;
    model.unreported -= 1;
  }
  if (action.do === 'begin') {
    if (model.unreported !== (model.claimed[action.worker] ?? 0) - 1) return false;
    model.attempt += 1;
    model.unreported += 1;
  }
  return true;
}

/** The same action on the table. */
async function perform(jobs: JobStore, id: string, model: Model, action: Action) {
  const now = new Date(model.now);
  const leaseUntil = model.now + LEASE_MS;
  if (action.do === 'wait') return true;
  if (action.do === 'end') return (await jobs.end(id, action.as, now)) !== undefined;
  if (action.do === 'reopen') {
    const deadlineAt = new Date(model.now + DEADLINE_MS).toISOString();
    return (await jobs.reopen(id, { deadlineAt, sweepAt: now.toISOString(), expiresAt: 1 })) !== undefined;
  }
  if (action.do === 'claim') {
    const worker = `worker ${action.worker}`;
    return (await jobs.claim(id, worker, now, leaseUntil, QUARANTINE_AFTER)).kind;
  }
  const claim = { id, fence: model.fences[action.worker] ?? 0 };
  switch (action.do) {
    case 'renew':
      return jobs.renew(claim, leaseUntil, now);
    case 'standBy':
    case 'begin': {
      const unreported = (model.claimed[action.worker] ?? 0) - (action.do === 'begin' ? 1 : 0);
      return (await jobs[action.do]({ ...queuedJob(), ...claim, unreported })) !== undefined;
    }
    case 'report':
      return jobs.report(claim, { phase: 'enlarging', completed: 1, total: 2, unit: 'tile' });
    case 'succeed':
      return jobs.succeed(claim, { files: {}, facts: {} }, {}, now);
    case 'fail':
      return jobs.fail(claim, reason, now);
    case 'requeue':
      return jobs.requeue(claim, reason, now);
    case 'release':
      return jobs.release(claim);
  }
}

interface Real {
  readonly jobs: JobStore;
  readonly id: string;
}

/** What must hold between any two rows, whatever the model says. */
function expectLawful(before: Job, after: Job, action: Action, answer: unknown): void {
  expect(after.attempt).toBeLessThanOrEqual(after.max_attempts);
  expect(after.fence).toBe(answer === 'claimed' ? before.fence + 1 : before.fence);
  if (isTerminal(before.status) && !(action.do === 'reopen' && answer === true))
    expect(after).toEqual(before);
  const open = !isTerminal(after.status);
  for (const mark of ['open_shard', 'sweep_at']) expect(mark in after, mark).toBe(open);
  expect('finished_at' in after).toBe(!open);
  expect('lease_until' in after).toBe(after.status === 'running');
}

class Do implements fc.AsyncCommand<Model, Real> {
  readonly #action: Action;

  constructor(action: Action) {
    this.#action = action;
  }

  /** Everything may be tried at any time; the store is what says no. */
  check(): boolean {
    return true;
  }

  async run(model: Model, { jobs, id }: Real): Promise<void> {
    const before = (await jobs.get(id)) as Job;
    const answer = await perform(jobs, id, model, this.#action);
    expect(answer).toBe(step(model, this.#action));
    const after = (await jobs.get(id)) as Job;
    const { status, attempt, fence } = model;
    expect(after).toMatchObject({ status, attempt, fence });
    if (status === 'running') expect(after.lease_until).toBe(model.leaseUntil);
    if (!isTerminal(status)) expect(after.unreported ?? 0).toBe(model.unreported);
    expectLawful(before, after, this.#action, answer);
  }

  toString(): string {
    return JSON.stringify(this.#action);
  }
}

const worker = fc.nat({ max: 1 });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const), worker }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom(...byHolder), worker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), as: fc.constantFrom(...ends) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, LEASE_MS, LEASE_MS + 1, DEADLINE_MS),
    }),
  },
);

const services = useServices();

it('keeps to its state machine whatever workers, clients and time do', async () => {
  const { jobs } = services();
  await fc.assert(
    fc.asyncProperty(fc.commands([action.map((each) => new Do(each))], { maxCommands: 60 }), async (life) => {
      const job = queuedJob({}, START);
      await jobs.create(job);
      const now = START.getTime();
      const model: Model = {
        status: 'queued',
        attempt: 0,
        unreported: 0,
        fence: 0,
        leaseUntil: 0,
        deadline: Date.parse(job.deadline_at),
        now,
        fences: [],
        claimed: [],
      };
      await fc.asyncModelRun(() => ({ model, real: { jobs, id: job.id } }), life);
    }),
    { numRuns: 120 },
  );
});

it('lets exactly one of all that race to end a job end it', async () => {
  const { jobs } = services();
  const claim = await started(jobs);
  const { id } = claim;
  const ended = await Promise.all([
    jobs.succeed(claim, { files: {}, facts: {} }, {}, START),
    jobs.fail(claim, reason, START),
    ...ends.map(async (status) => (await jobs.end(id, status, START)) !== undefined),
  ]);
  expect(ended.filter(Boolean)).toHaveLength(1);
});

async function started(jobs: JobStore) {
  const job = queuedJob({}, START);
  await jobs.create(job);
  const outcome = await jobs.claim(job.id, 'worker', START, START.getTime() + LEASE_MS);
  expect(outcome.kind).toBe('claimed');
  return { id: job.id, fence: 1 };
}
