/**
 * What the rest of Outboard may rely on in the jobs table. Time is handed in, so leases and deadlines pass without
 * waiting; what is read through an index is awaited, because the indexes of DynamoDB follow a moment later.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobIndex } from '../../shared/aws/job-index.ts';
import type { Claim, JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { newJobId } from '../../shared/job.ts';
import { queuedJob } from '../job/services.ts';

export interface JobStoreUnderTest {
  readonly jobs: JobStore;
  readonly index: JobIndex;
  close(): Promise<void>;
}

const START = new Date('2030-01-01T00:00:00.000Z');
const LEASE_MS = 30_000;
const MINUTE_MS = 60_000;
const later = (milliseconds: number) => new Date(START.getTime() + milliseconds);
const reason = new OutboardError('model_failed').toPublic();
const output = {
  files: { sr_image: { key: 'k', content_type: 'image/png', bytes: 1, width: 8, height: 8 } },
  facts: {},
};
const progress = { phase: 'enlarging', completed: 1, total: 4, unit: 'tile' } as const;

export function jobStoreContract(name: string, open: () => Promise<JobStoreUnderTest>): void {
  describe(`the job store (${name})`, () => {
    let store: JobStoreUnderTest;
    const written = new Set<string>();

    beforeAll(async () => {
      store = await open();
    });

    afterAll(async () => {
      await Promise.all([...written].map((id) => store.jobs.erase(id)));
      await store.close();
    });

    async function setup(changes: Parameters<typeof queuedJob>[0] = {}) {
      const { jobs, index } = store;
      const job = queuedJob(changes, START);
      written.add(job.id);
      await jobs.create(job);
      const { id } = job;
      const claim = (at = START, worker = 'worker') => jobs.claim(id, worker, at, at.getTime() + LEASE_MS);
      return {
        jobs,
        index,
        job,
        id,
        claim,
        /** A claim that must be granted, as the proof that later writes carry. */
        claimed: async (at?: Date, worker?: string) => {
          const outcome = await claim(at, worker);
          expect(outcome.kind).toBe('claimed');
          return { id, fence: outcome.kind === 'claimed' ? outcome.job.fence : 0 };
        },
        row: () => jobs.get(id),
        due: async (at: Date) => {
          for await (const found of index.due(at)) if (found === id) return true;
          return false;
        },
        /** Everything a holder can do to a row; each says whether it was done. */
        writes: (fence: number) => ({
          renew: () => jobs.renew({ id, fence }, START.getTime() + 9 * LEASE_MS, START),
          report: () => jobs.report({ id, fence }, progress),
          succeed: () => jobs.succeed({ id, fence }, output, { total_ms: 1 }, START),
          fail: () => jobs.fail({ id, fence }, reason, START),
          requeue: () => jobs.requeue({ id, fence }, reason, START),
          release: () => jobs.release({ id, fence }),
        }),
      };
    }

    type Bundle = Awaited<ReturnType<typeof setup>>;

    async function expectNoEffect({ writes, row }: Bundle, fence: number): Promise<void> {
      const before = await row();
      for (const [verb, write] of Object.entries(writes(fence))) {
        expect(await write(), verb).toBe(false);
        expect(await row(), verb).toEqual(before);
      }
    }

    it('lets exactly one of many racing creations of an id win, and tells the others who did', async () => {
      const { jobs } = store;
      const drafts = Array.from({ length: 6 }, (_, racer) =>
        queuedJob({ request_hash: `racer ${racer}` }, START),
      );
      const id = newJobId();
      written.add(id);
      const race = await Promise.all(drafts.map((draft) => jobs.create({ ...draft, id })));
      expect(race.filter(({ created }) => created)).toHaveLength(1);
      const winner = race.find(({ created }) => created)?.job;
      for (const { job } of race) expect(job).toEqual(winner);
      expect(await jobs.get(id)).toEqual(winner);
    });

    it('gives back what was written, and undefined for what was not', async () => {
      const { jobs, job, row } = await setup();
      expect(await row()).toEqual(job);
      expect(await jobs.get(newJobId())).toBeUndefined();
    });

    it('notes the sent message on an open job only', async () => {
      const { jobs, job, row, claimed, writes } = await setup();
      await jobs.markEnqueued(job, later(5));
      expect(await row()).toMatchObject({
        enqueued_at: later(5).toISOString(),
        sweep_at: job.deadline_at,
        status: 'queued',
      });
      await writes((await claimed()).fence).succeed();
      const ended = await row();
      await jobs.markEnqueued(job, later(9));
      await jobs.markEnqueued({ id: newJobId() }, later(9));
      expect(await row()).toEqual(ended);
    });

    it('counts the attempt when work starts, before anything can crash', async () => {
      const { claimed, row } = await setup();
      await claimed(later(10), 'first');
      expect(await row()).toMatchObject({
        status: 'running',
        attempt: 1,
        fence: 1,
        worker: 'first',
        started_at: later(10).toISOString(),
        lease_until: later(10 + LEASE_MS).getTime(),
      });
    });

    it('grants one of many claims at once, and tells the others until when it is leased', async () => {
      const { claim, row } = await setup();
      const race = await Promise.all(['a', 'b', 'c', 'd'].map((worker) => claim(START, worker)));
      expect(race.map(({ kind }) => kind).sort()).toEqual(['claimed', 'leased', 'leased', 'leased']);
      const leaseUntil = START.getTime() + LEASE_MS;
      for (const outcome of race) {
        if (outcome.kind === 'leased') expect(outcome).toEqual({ kind: 'leased', leaseUntil });
      }
      expect(await row()).toMatchObject({ attempt: 1, fence: 1 });
    });

    it('keeps a lease to its last millisecond and grants the job to another right after it', async () => {
      const { claim } = await setup();
      await claim();
      expect((await claim(later(LEASE_MS))).kind).toBe('leased');
      expect(await claim(later(LEASE_MS + 1), 'second')).toMatchObject({
        kind: 'claimed',
        job: { fence: 2, attempt: 2, worker: 'second' },
      });
    });

    it('changes nothing for a holder whose lease went to another', async () => {
      const bundle = await setup();
      const late = await bundle.claimed();
      await bundle.claimed(later(LEASE_MS + 1), 'second');
      await expectNoEffect(bundle, late.fence);
    });

    it.each(['canceled', 'expired', 'failed'] as const)(
      'changes nothing for a holder whose job was ended as %s',
      async (status) => {
        const bundle = await setup();
        const { fence } = await bundle.claimed();
        await bundle.jobs.end(bundle.id, status, later(1));
        await expectNoEffect(bundle, fence);
      },
    );

    it('changes nothing for a holder whose job was erased, and brings no row back', async () => {
      const bundle = await setup();
      const { fence } = await bundle.claimed();
      await bundle.jobs.erase(bundle.id);
      await expectNoEffect(bundle, fence);
      expect(await bundle.claim()).toEqual({ kind: 'missing' });
    });

    it('changes nothing for a holder whose job was canceled, opened again and taken by another', async () => {
      const bundle = await setup();
      const late = await bundle.claimed();
      await bundle.jobs.end(bundle.id, 'canceled', later(1));
      await bundle.jobs.reopen(bundle.id, again);
      await expectNoEffect(bundle, late.fence);
      const next = await bundle.claimed(later(2), 'second');
      expect(next.fence).toBeGreaterThan(late.fence);
      await expectNoEffect(bundle, late.fence);
    });

    it('lets a holder renew, and holds the lease for as long as it was renewed', async () => {
      const { jobs, claimed, claim } = await setup();
      const held = await claimed();
      expect(await jobs.renew(held, START.getTime() + 2 * LEASE_MS)).toBe(true);
      expect((await claim(later(LEASE_MS + 1))).kind).toBe('leased');
      expect((await claim(later(2 * LEASE_MS + 1))).kind).toBe('claimed');
    });

    it('shows progress while the job runs and forgets it with the next claim', async () => {
      const { jobs, claimed, row } = await setup();
      const held = await claimed();
      expect(await jobs.report(held, progress)).toBe(true);
      expect(await row()).toMatchObject({ progress, status: 'running' });
      await claimed(later(LEASE_MS + 1), 'second');
      expect((await row())?.progress).toBeUndefined();
    });

    it('fixes the version of the model once for all attempts', async () => {
      const writes = ['renew', 'report', 'note', 'requeue', 'release', 'succeed', 'fail'] as const;
      for (const write of writes) {
        const { jobs, claimed, row } = await setup();
        const run = {
          renew: (by: Claim) => jobs.renew(by, START.getTime() + LEASE_MS, START),
          report: (by: Claim) => jobs.report(by, progress),
          note: (by: Claim) => jobs.note(by, progress, { worker: 'w', phase: 'decoding', log: [] }),
          requeue: (by: Claim) => jobs.requeue(by, reason, START),
          release: (by: Claim) => jobs.release(by),
          succeed: (by: Claim) => jobs.succeed(by, output, {}, START),
          fail: (by: Claim) => jobs.fail(by, reason, START),
        };
        expect(await run[write]({ ...(await claimed()), modelVersion: 'm@1' }), write).toBe(true);
        expect(await row(), write).toMatchObject({ model_version: 'm@1' });
        if (write === 'succeed' || write === 'fail') continue;
        const again = { ...(await claimed(later(LEASE_MS + 1))), modelVersion: 'm@2' };
        await jobs.report(again, progress);
        expect(await row(), write).toMatchObject({ model_version: 'm@1' });
      }
    });

    it('ends a job with its result and takes it off the open index', async () => {
      const { jobs, claimed, row, due, job } = await setup();
      const held = await claimed();
      await jobs.report(held, progress);
      const end = new Date(job.deadline_at);
      await vi.waitFor(async () => expect(await due(end)).toBe(true));
      expect(await jobs.succeed(held, output, { total_ms: 7 }, later(9))).toBe(true);
      const ended = await row();
      expect(ended).toMatchObject({
        status: 'succeeded',
        output,
        timings: { total_ms: 7 },
        finished_at: later(9).toISOString(),
      });
      for (const gone of ['open_shard', 'sweep_at', 'lease_until', 'progress', 'error']) {
        expect(ended).not.toHaveProperty(gone);
      }
      await vi.waitFor(async () => expect(await due(end)).toBe(false));
    });

    it('tells a holder that reports its success again that it is there, and writes nothing', async () => {
      const { jobs, claimed, row } = await setup();
      const held = await claimed();
      await jobs.succeed(held, output, { total_ms: 7 }, later(9));
      const ended = await row();
      expect(await jobs.succeed(held, output, { total_ms: 8 }, later(10))).toBe(true);
      expect(await jobs.succeed({ ...held, fence: 0 }, output, {}, later(10))).toBe(false);
      expect(await row()).toEqual(ended);
    });

    it('ends a job with its reason', async () => {
      const { jobs, claimed, row } = await setup();
      expect(await jobs.fail(await claimed(), reason, later(9))).toBe(true);
      expect(await row()).toMatchObject({
        status: 'failed',
        error: reason,
        finished_at: later(9).toISOString(),
      });
      expect(await row()).not.toHaveProperty('open_shard');
    });

    it('puts a job back with its attempt counted and the reason on the row', async () => {
      const { jobs, claimed, row } = await setup();
      expect(await jobs.requeue(await claimed(), reason, later(60))).toBe(true);
      expect(await row()).toMatchObject({ status: 'queued', attempt: 1, fence: 1, error: reason });
      expect(await row()).not.toHaveProperty('lease_until');
      expect(await row()).toHaveProperty('open_shard');
      await claimed(later(1));
      expect(await row()).toMatchObject({ attempt: 2, fence: 2 });
      expect(await row()).not.toHaveProperty('error');
    });

    it('gives the attempt of a released job back, but never its fence', async () => {
      const bundle = await setup();
      const held = await bundle.claimed();
      expect(await bundle.jobs.release(held)).toBe(true);
      expect(await bundle.row()).toMatchObject({ status: 'queued', attempt: 0, fence: 1 });
      await expectNoEffect(bundle, held.fence);
      expect((await bundle.claimed(later(1))).fence).toBe(2);
      expect(await bundle.row()).toMatchObject({ attempt: 1 });
    });

    it('refuses a claim beyond the last attempt, and names the job so that it can be ended', async () => {
      const { claim, claimed, row } = await setup({ max_attempts: 2 });
      await claimed();
      await claimed(later(LEASE_MS + 1), 'second');
      expect((await claim(later(LEASE_MS + 2))).kind).toBe('leased');
      expect(await claim(later(3 * LEASE_MS))).toMatchObject({
        kind: 'exhausted',
        job: { attempt: 2, worker: 'second' },
      });
      expect(await row()).toMatchObject({ attempt: 2, fence: 2 });
    });

    it('refuses a claim of a job that three workers did not survive, and names the job', async () => {
      const { jobs, claim, claimed, row } = await setup({ max_attempts: 9 });
      // An attempt that was reported, however it ended, is no reason.
      await jobs.requeue(await claimed(), reason, START);
      await jobs.release(await claimed());
      expect(await row()).toMatchObject({ unreported: 0 });
      const lost = (times: number) => later(times * (LEASE_MS + 1));
      await claimed(lost(0));
      await claimed(lost(1));
      expect(await claimed(lost(2), 'third')).toMatchObject({ fence: 5 });
      expect(await claim(lost(3))).toMatchObject({
        kind: 'quarantined',
        job: { unreported: 3, worker: 'third' },
      });
      expect(await row()).toMatchObject({ status: 'running', attempt: 4, fence: 5 });
      await jobs.end((await row())?.id ?? '', 'failed', START, reason);
      expect(await row()).not.toHaveProperty('unreported');
    });

    it('does not count an attempt that stands by, and counts it once when it begins', async () => {
      const { jobs, claim, row } = await setup();
      const outcome = await claim();
      if (outcome.kind !== 'claimed') throw new Error(outcome.kind);
      const waiting = await jobs.standBy(outcome.job);
      expect(waiting).toMatchObject({ status: 'running', attempt: 0, unreported: 0, fence: 1 });
      // The SDK repeats a write whose answer was lost.
      expect(await jobs.standBy(outcome.job)).toBeUndefined();
      expect(await row()).toEqual(waiting);
      const begun = await jobs.begin(waiting ?? outcome.job);
      expect(begun).toMatchObject({ status: 'running', attempt: 1, unreported: 1 });
      expect(await jobs.begin(waiting ?? outcome.job)).toBeUndefined();
      expect(await row()).toEqual(begun);
      await claim(later(LEASE_MS + 1), 'second');
      const taken = await row();
      expect(await jobs.standBy(begun ?? outcome.job)).toBeUndefined();
      expect(await row()).toEqual(taken);
    });

    it('keeps what a suspect was about to do through the next claim, for the holder of the fence only', async () => {
      const { jobs, id, claimed, claim, row } = await setup();
      const { fence } = await claimed();
      const evidence = { worker: 'worker', phase: 'enlarging', log: ['decoding', 'enlarging'] } as const;
      expect(await jobs.note({ id, fence }, progress, evidence)).toBe(true);
      expect(await row()).toMatchObject({ progress, evidence });
      await claim(later(LEASE_MS + 1), 'second');
      expect(await row()).toMatchObject({ evidence });
      expect(await jobs.note({ id, fence }, progress, { ...evidence, worker: 'late' })).toBe(false);
      expect(await row()).toMatchObject({ evidence });
    });

    it('refuses a claim at the deadline, whether the job waits or runs', async () => {
      const { claim, claimed, job } = await setup({ deadline_at: later(MINUTE_MS).toISOString() });
      expect(await claim(later(MINUTE_MS))).toMatchObject({ kind: 'overdue', job: { id: job.id } });
      await claimed(later(MINUTE_MS - 1));
      expect((await claim(later(MINUTE_MS))).kind).toBe('overdue');
    });

    it('says of a finished job that it is finished', async () => {
      const { claimed, claim, writes } = await setup();
      await writes((await claimed()).fence).succeed();
      expect(await claim(later(9 * LEASE_MS))).toMatchObject({
        kind: 'finished',
        job: { status: 'succeeded' },
      });
    });

    it('ends a waiting and a running job from outside, and no other', async () => {
      const waiting = await setup();
      expect(await waiting.jobs.end(waiting.id, 'expired', later(1), reason)).toMatchObject({
        status: 'expired',
        error: reason,
        finished_at: later(1).toISOString(),
      });
      const running = await setup();
      const { fence } = await running.claimed();
      await running.jobs.report({ id: running.id, fence }, progress);
      const canceled = await running.jobs.end(running.id, 'canceled', later(1));
      expect(canceled).toMatchObject({ status: 'canceled', attempt: 1, fence: 1 });
      for (const gone of ['open_shard', 'sweep_at', 'lease_until', 'progress', 'error']) {
        expect(canceled).not.toHaveProperty(gone);
      }
      expect(await running.jobs.end(newJobId(), 'canceled', later(1))).toBeUndefined();
      for (const { jobs, id, row } of [waiting, running]) {
        const before = await row();
        for (const status of ['canceled', 'expired', 'failed'] as const) {
          expect(await jobs.end(id, status, later(2))).toBeUndefined();
        }
        expect(await row()).toEqual(before);
      }
    });

    it('cannot end a job that succeeded', async () => {
      const { jobs, id, claimed, writes, row } = await setup();
      await writes((await claimed()).fence).succeed();
      expect(await jobs.end(id, 'canceled', later(1))).toBeUndefined();
      expect(await row()).toMatchObject({ status: 'succeeded' });
    });

    const again = {
      deadlineAt: later(9 * MINUTE_MS).toISOString(),
      sweepAt: later(MINUTE_MS).toISOString(),
      expiresAt: later(99 * MINUTE_MS).getTime() / 1000,
    };

    it.each(['canceled', 'expired', 'failed'] as const)(
      'opens a job that ended as %s for a fresh set of attempts, later deadline and later erasure',
      async (status) => {
        const { jobs, id, job, claimed, row, due } = await setup();
        const held = await claimed();
        await jobs.report({ ...held, modelVersion: 'm@1' }, progress);
        await jobs.end(id, status, later(1), reason);
        const { sweep_at: _, ...rest } = job;
        const reopened = {
          ...rest,
          fence: 1,
          deadline_at: again.deadlineAt,
          sweep_at: again.sweepAt,
          expires_at: again.expiresAt,
          seq: expect.any(Number),
        };
        expect(await jobs.reopen(id, again)).toEqual(reopened);
        expect(await row()).toEqual(reopened);
        await vi.waitFor(async () => expect(await due(later(MINUTE_MS))).toBe(true));
      },
    );

    it('opens neither an open job nor one that succeeded', async () => {
      const { jobs, id, claimed, writes, row } = await setup();
      expect(await jobs.reopen(id, again)).toBeUndefined();
      const { fence } = await claimed();
      expect(await jobs.reopen(id, again)).toBeUndefined();
      await writes(fence).succeed();
      const before = await row();
      expect(await jobs.reopen(id, again)).toBeUndefined();
      expect(await row()).toEqual(before);
      expect(await jobs.reopen(newJobId(), again)).toBeUndefined();
    });

    it('erases a row, also one that is not there, and frees its id', async () => {
      const { jobs, id, job, row } = await setup();
      await jobs.erase(id);
      await jobs.erase(id);
      expect(await row()).toBeUndefined();
      expect(await jobs.create(job)).toEqual({ created: true, job });
    });
  });
}
