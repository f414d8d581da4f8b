/**
 * What waking, scaling and the queue's view may rely on in the fleet's rows. Their names are fixed, so nobody else may
 * use the table meanwhile; the time is a year in which no worker of a real fleet is heard.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FleetStore } from '../../shared/aws/fleet-store.ts';
import type { JobIndex } from '../../shared/aws/job-index.ts';
import { WAKE_AGAIN_MS, WORKER_SILENT_MS, type WorkerRecord } from '../../shared/fleet.ts';

export interface FleetStoreUnderTest {
  readonly fleet: FleetStore;
  readonly index: JobIndex;
  /** Erases a row of the table. */
  erase(id: string): Promise<void>;
  close(): Promise<void>;
}

const RACERS = 20;
const NOW = Date.parse('2031-01-01T00:00:00.000Z');
const at = (milliseconds: number) => new Date(NOW + milliseconds);
const record = {
  desired: 0,
  running: 0,
  backlog_seconds: 1.5,
  open_jobs: 2,
  reason: 'backlog',
  updated_at: at(0).toISOString(),
};
const newWorker = (changes: Partial<WorkerRecord> = {}): WorkerRecord => ({
  id: randomUUID(),
  state: 'ready',
  device: 'cuda',
  busy: 1,
  places: 4,
  models: ['m@1'],
  started_at: at(-9_000).toISOString(),
  seen_at: at(0).toISOString(),
  ...changes,
});

export function fleetStoreContract(name: string, open: () => Promise<FleetStoreUnderTest>): void {
  describe(`the fleet store (${name})`, () => {
    let under: FleetStoreUnderTest;
    const eraseFixedRows = () => Promise.all(['fleet', 'costs'].map((id) => under.erase(id)));

    beforeAll(async () => {
      under = await open();
    });
    beforeEach(eraseFixedRows);
    afterAll(async () => {
      await eraseFixedRows();
      await under.close();
    });

    it('lets one of many racing submits wake a fleet at zero, and the next one only after a while', async () => {
      const { fleet } = under;
      const race = await Promise.all(Array.from({ length: RACERS }, () => fleet.claimWake(at(0))));
      expect(race.filter(Boolean)).toHaveLength(1);
      expect(await fleet.claimWake(at(WAKE_AGAIN_MS))).toBe(false);
      expect(await fleet.claimWake(at(WAKE_AGAIN_MS + 1))).toBe(true);
    });

    it('lets nobody wake a fleet whose workers are ordered', async () => {
      const { fleet } = under;
      await fleet.record({ ...record, desired: 1 }, 0);
      expect(await fleet.claimWake(at(0))).toBe(false);
      await fleet.record(record, 1);
      expect(await fleet.claimWake(at(0))).toBe(true);
    });

    it('lets one of many racing scalers decide, on the first record and on later ones', async () => {
      const { fleet } = under;
      for (const from of [0, 1]) {
        const race = await Promise.all(
          Array.from({ length: RACERS }, (_, racer) => fleet.record({ ...record, open_jobs: racer }, from)),
        );
        expect(race.filter(Boolean)).toHaveLength(1);
        expect(await fleet.read()).toMatchObject({ revision: from + 1, open_jobs: race.indexOf(true) });
      }
    });

    it('reads nothing before the first record, also where a wake-up came first, and keeps the wake-up', async () => {
      const { fleet } = under;
      expect(await fleet.read()).toBeUndefined();
      await fleet.claimWake(at(5));
      expect(await fleet.read()).toBeUndefined();
      await fleet.record(record, 0);
      expect(await fleet.read()).toMatchObject({ ...record, revision: 1, waking_at: at(5).getTime() });
    });

    it('forgets what the cloud refused as soon as it refuses it no more', async () => {
      const { fleet } = under;
      const capacity_error = { code: 'VcpuLimitExceeded', message: 'none', at: record.updated_at };
      await fleet.record({ ...record, capacity_error }, 0);
      expect(await fleet.read()).toMatchObject({ capacity_error });
      await fleet.record(record, 1);
      expect(await fleet.read()).not.toHaveProperty('capacity_error');
    });

    it('lists workers as they said they are until they leave or go silent, and no job among them', async () => {
      const { fleet, index } = under;
      const worker = newWorker();
      const silent = newWorker({ seen_at: at(-WORKER_SILENT_MS).toISOString() });
      await Promise.all([worker, silent].map((each) => fleet.beat(each)));
      await vi.waitFor(async () => expect(await fleet.workers(at(0))).toEqual([worker]));
      expect(await fleet.workerStates(at(0))).toEqual({ loading: 0, ready: 1, draining: 0 });
      const due: string[] = [];
      for await (const id of index.due(at(1))) due.push(id);
      expect(due.filter((id) => id.includes(worker.id))).toEqual([]);
      await fleet.beat({ ...worker, state: 'draining', busy: 0 });
      await vi.waitFor(async () =>
        expect(await fleet.workers(at(0))).toEqual([{ ...worker, state: 'draining', busy: 0 }]),
      );
      await Promise.all([worker, silent].map(({ id }) => fleet.leave(id)));
      await vi.waitFor(async () => expect(await fleet.workers(at(0))).toEqual([]));
    });

    it('learns the cost of each model apart from the others', async () => {
      const { fleet } = under;
      expect(await fleet.costs()).toEqual({});
      await fleet.learnCosts({ 'm@1 x4': 0.25, 'n@1': 1e-5 });
      await fleet.learnCosts({ 'm@1 x4': 0.5 });
      await fleet.learnCosts({});
      expect(await fleet.costs()).toEqual({ 'm@1 x4': 0.5, 'n@1': 1e-5 });
    });
  });
}
