/**
 * What lists, sweeper, scaler and the queue's view may rely on in the indexes of the jobs table. They follow the table a
 * moment later, so everything read through them is awaited; sums count what a test adds to what was there.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobIndex } from '../../shared/aws/job-index.ts';
import type { JobStore } from '../../shared/aws/job-store.ts';
import { newJobId } from '../../shared/job.ts';
import { queuedJob } from '../job/services.ts';

export interface JobIndexUnderTest {
  readonly jobs: JobStore;
  readonly index: JobIndex;
  close(): Promise<void>;
}

const START = new Date('2030-01-01T00:00:00.000Z');
const later = (milliseconds: number) => new Date(START.getTime() + milliseconds);

export function jobIndexContract(name: string, open: () => Promise<JobIndexUnderTest>): void {
  describe(`the job index (${name})`, () => {
    let store: JobIndexUnderTest;
    const written = new Set<string>();

    beforeAll(async () => {
      store = await open();
    });

    afterAll(async () => {
      await Promise.all([...written].map((id) => store.jobs.erase(id)));
      await store.close();
    });

    /** A job in the table, whose message is sent too. */
    async function add(changes: Parameters<typeof queuedJob>[0] = {}, at = START) {
      const job = queuedJob(changes, at);
      written.add(job.id);
      await store.jobs.create(job);
      return job;
    }

    it('finds open jobs that are due, not a moment early', async () => {
      const { id, sweep_at } = await add();
      const due = async (at: number) => {
        for await (const found of store.index.due(new Date(at))) if (found === id) return true;
        return false;
      };
      const at = Date.parse(sweep_at ?? '');
      await vi.waitFor(async () => expect(await due(at)).toBe(true));
      expect(await due(at - 1)).toBe(false);
    });

    it('sums up the work of open jobs, those that wait apart, and forgets a job that ends', async () => {
      const { jobs, index } = store;
      const before = await index.openWork();
      const running = await add({ work_seconds: 4.25 });
      const queued = await add({ work_seconds: 0.5 });
      await add();
      await jobs.claim(running.id, 'worker', START, later(30_000).getTime());
      const expectSum = (more: { jobs: number; queued: number; seconds: number }) =>
        vi.waitFor(async () =>
          expect(await index.openWork()).toEqual({
            jobs: before.jobs + more.jobs,
            queued: before.queued + more.queued,
            seconds: expect.closeTo(before.seconds + more.seconds, 6),
          }),
        );
      await expectSum({ jobs: 3, queued: 2, seconds: 4.75 });
      await jobs.end(queued.id, 'canceled', later(1));
      await expectSum({ jobs: 2, queued: 1, seconds: 4.25 });
    });

    it('counts what stands before a job: the running ones and those that came earlier', async () => {
      const { jobs, index } = store;
      // A day before all other tests: nothing of theirs is due by then.
      const day = -86_400_000;
      const [running, first, mine] = await Promise.all([
        add({ work_seconds: 8 }, later(day)),
        add({ work_seconds: 2 }, later(day + 1)),
        add({ work_seconds: 1 }, later(day + 2)),
        add({ work_seconds: 16 }, later(day + 3)),
      ]);
      await jobs.claim(running.id, 'worker', later(day), later(day + 500).getTime());
      await vi.waitFor(async () =>
        expect(await index.ahead(mine)).toEqual(
          expect.objectContaining({ queued: 1, seconds: 10, complete: true }),
        ),
      );
      await jobs.end(first.id, 'canceled', later(day + 4));
      await vi.waitFor(async () => expect(await index.ahead(mine)).toMatchObject({ queued: 0, seconds: 8 }));
    });

    describe('its list', () => {
      /** Jobs of one tenant, a second apart, oldest first. */
      async function tenantWith(count: number) {
        const tenant = `tenant-${randomUUID()}`;
        const { jobs, index } = store;
        const drafts = Array.from({ length: count }, (_, place) =>
          queuedJob({ tenant, created_at: later(place * 1000).toISOString() }, START),
        );
        for (const { id } of drafts) written.add(id);
        await Promise.all(drafts.map((draft) => jobs.create(draft)));
        await vi.waitFor(async () =>
          expect((await index.list(tenant, { limit: 100 })).jobs).toHaveLength(count),
        );
        return { tenant, index, jobs, newestFirst: drafts.map(({ id }) => id).reverse() };
      }

      it('goes from the newest to the oldest in pages, each job once', async () => {
        const { tenant, index, newestFirst } = await tenantWith(7);
        await tenantWith(2);
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await index.list(tenant, { limit: 3, cursor });
          expect(page.jobs.length).toBeLessThanOrEqual(3);
          seen.push(...page.jobs.map(({ id }) => id));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(seen).toEqual(newestFirst);
      });

      it('shows one status where that is asked', async () => {
        const { tenant, index, jobs, newestFirst } = await tenantWith(3);
        const [newest = ''] = newestFirst;
        await jobs.end(newest, 'canceled', START);
        await vi.waitFor(async () => {
          const { jobs: found } = await index.list(tenant, { limit: 10, status: 'canceled' });
          expect(found.map(({ id }) => id)).toEqual([newest]);
        });
      });

      it('refuses a cursor of another tenant and whatever is no cursor of its own', async () => {
        const mine = await tenantWith(2);
        const other = await tenantWith(2);
        const { cursor = '' } = await other.index.list(other.tenant, { limit: 1 });
        const forged = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');
        const { tenant } = mine;
        const created_at = START.toISOString();
        const foreign = [
          cursor,
          '',
          'x',
          '%%%',
          ...[null, 7, 'text', {}, [], { tenant }].map(forged),
          forged({ id: 7, created_at, tenant }),
          forged({ id: '', created_at, tenant }),
          forged({ id: newJobId(), created_at: '', tenant }),
          forged({ id: newJobId(), created_at: 'x'.repeat(1_100), tenant }),
        ];
        for (const each of foreign) {
          await expect(mine.index.list(tenant, { limit: 1, cursor: each }), each).rejects.toMatchObject({
            code: 'invalid_request',
            field: 'cursor',
          });
        }
      });
    });
  });
}
