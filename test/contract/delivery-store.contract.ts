/** What a table must do for deliveries to webhooks: nothing lost between a job's end and its event, nothing sent twice at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeliveryStore } from '../../shared/aws/delivery-store.ts';
import type { JobStore } from '../../shared/aws/job-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import type { Job } from '../../shared/job.ts';
import {
  type Delivery,
  deliveryIdOf,
  isUntold,
  type WebhookMessage,
  webhookEvents,
} from '../../shared/webhook.ts';
import { queuedJob } from '../job/services.ts';

interface Stores {
  readonly jobs: JobStore;
  readonly deliveries: DeliveryStore;
  close(): Promise<void>;
}

const NOW = new Date('2031-03-01T12:00:00.000Z');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const LEASE_MS = 60_000;
/** An index is behind its table for a moment, and an emulator on a busy machine for longer. */
const SOON = { timeout: 20_000 };
const ok = { at: NOW.toISOString(), duration_ms: 12, status: 200 };
const bad = { at: NOW.toISOString(), duration_ms: 12, status: 500, reason: 'bad_status' } as const;
const webhook = { url: 'https://hooks.example/in', events: webhookEvents, api: 'https://api.example' };
const reason = new OutboardError('model_failed').toPublic();
const nothing = { files: {}, facts: {} };

export function deliveryStoreContract(where: string, open: () => Promise<Stores>): void {
  describe(`the delivery store (${where})`, () => {
    let stores: Stores;
    const written: Job[] = [];
    beforeAll(async () => {
      stores = await open();
    });
    afterAll(async () => {
      for (const { id } of written) {
        await stores.deliveries.erase((await stores.jobs.get(id))?.deliveries ?? []);
        await stores.jobs.erase(id);
      }
      await stores.close();
    });

    async function put(changes: Partial<Job> = {}): Promise<Job> {
      const job = queuedJob({ webhook, ...changes }, NOW);
      await stores.jobs.create(job);
      written.push(job);
      return job;
    }
    const row = async ({ id }: Job): Promise<Job> => (await stores.jobs.get(id)) as Job;
    async function running(job: Job) {
      await stores.jobs.claim(job.id, 'worker', NOW, NOW.getTime() + 30_000);
      return { id: job.id, fence: 1 };
    }
    /** A job that was canceled, and its delivery. */
    async function opened(): Promise<{ job: Job; delivery: Delivery }> {
      const job = await put();
      await stores.jobs.end(job.id, 'canceled', NOW);
      const ended = await row(job);
      const delivery = await stores.deliveries.open(ended, NOW);
      await stores.jobs.markTold(ended, delivery.delivery_id);
      return { job: ended, delivery };
    }
    async function due(now: Date): Promise<WebhookMessage[]> {
      const found: WebhookMessage[] = [];
      for await (const message of stores.deliveries.due(now)) found.push(message);
      return found;
    }
    const isDue = async (message: WebhookMessage, now: Date) =>
      (await due(now)).some((found) => JSON.stringify(found) === JSON.stringify(message));

    it('leaves every end that a webhook wants to hear of where the sweeper finds it, in the write that ends the job', async () => {
      const { jobs } = stores;
      const [succeeded, failed, canceled, expired] = await Promise.all([put(), put(), put(), put()]);
      await jobs.succeed(await running(succeeded), nothing, {}, NOW);
      await jobs.fail(await running(failed), reason, NOW);
      await jobs.end(canceled.id, 'canceled', NOW);
      await jobs.end(expired.id, 'expired', NOW, reason);
      for (const job of [succeeded, failed, canceled, expired]) {
        expect(isUntold(await row(job))).toBe(true);
        await expect.poll(() => isDue({ job_id: job.id }, later(60)), SOON).toBe(true);
        expect(await isDue({ job_id: job.id }, later(59))).toBe(false);
      }
    });

    it('leaves nothing of an end that nobody asked for, nor of a job without a webhook', async () => {
      const { jobs } = stores;
      const other = await put({ webhook: { ...webhook, events: ['job.failed'] } });
      const { webhook: _, ...plain } = queuedJob({}, NOW);
      await jobs.create(plain);
      written.push(plain);
      for (const job of [other, plain]) {
        expect(await jobs.succeed(await running(job), nothing, {}, NOW)).toBe(true);
        const ended = await row(job);
        expect([ended.status, ended.open_shard, ended.sweep_at]).toEqual(['succeeded', undefined, undefined]);
      }
    });

    it('opens one delivery however often the end is found, under the same id, and notes it once', async () => {
      const { jobs, deliveries } = stores;
      const job = await put();
      await jobs.end(job.id, 'canceled', NOW);
      const ended = await row(job);
      const found = await Promise.all([1, 2, 3].map(() => deliveries.open(ended, NOW)));
      expect(new Set(found.map(({ delivery_id: id }) => id))).toEqual(new Set([deliveryIdOf(ended)]));
      expect(found[0]).toMatchObject({
        event: 'job.canceled',
        state: 'pending',
        attempts: [],
        job: { status: 'canceled' },
      });
      const noted = await Promise.all([1, 2, 3].map(() => jobs.markTold(ended, deliveryIdOf(ended))));
      expect(noted.filter((done) => done)).toHaveLength(1);
      const told = await row(job);
      expect(told).toMatchObject({ deliveries: [deliveryIdOf(ended)], status: 'canceled' });
      expect(isUntold(told)).toBe(false);
    });

    it('opens a job for another run only when its end is told, and tells the next end apart', async () => {
      const { jobs, deliveries } = stores;
      const job = await put();
      await jobs.end(job.id, 'canceled', NOW);
      const anew = {
        deadlineAt: later(9_000).toISOString(),
        sweepAt: later(60).toISOString(),
        expiresAt: 2_000_000_000,
      };
      expect(await jobs.reopen(job.id, anew)).toBeUndefined();
      const first = await deliveries.open(await row(job), NOW);
      await jobs.markTold(await row(job), first.delivery_id);
      expect(await jobs.reopen(job.id, anew)).toMatchObject({ status: 'queued' });
      await jobs.end(job.id, 'canceled', later(5));
      const second = await deliveries.open(await row(job), later(5));
      await jobs.markTold(await row(job), second.delivery_id);
      expect((await row(job)).deliveries).toEqual([first.delivery_id, second.delivery_id]);
    });

    it('gives one of many claims the attempt, and none before its time', async () => {
      const { deliveries } = stores;
      const { delivery } = await opened();
      const id = delivery.delivery_id;
      expect(await deliveries.claim(id, later(-10), LEASE_MS)).toBeUndefined();
      const claims = await Promise.all([1, 2, 3, 4, 5].map(() => deliveries.claim(id, NOW, LEASE_MS)));
      const [claimed, ...more] = claims.filter((claim) => claim !== undefined);
      expect(more).toEqual([]);
      // Its sender died: the next one may.
      expect(await deliveries.claim(id, later(59), LEASE_MS)).toBeUndefined();
      await expect.poll(() => isDue({ delivery_id: id }, later(60)), SOON).toBe(true);
      const again = await deliveries.claim(id, later(61), LEASE_MS);
      expect(again?.fence).toBe((claimed?.fence ?? 0) + 1);
      // The one that was given up for dead comes back and changes nothing.
      expect(await deliveries.settle(claimed as Delivery, ok, { kind: 'delivered' })).toBeUndefined();
      expect(await deliveries.settle(again as Delivery, ok, { kind: 'delivered' })).toMatchObject({
        state: 'delivered',
      });
    });

    it('waits for the time of the next attempt, and finds it again when its message is lost', async () => {
      const { deliveries } = stores;
      const { delivery } = await opened();
      const id = delivery.delivery_id;
      const claimed = (await deliveries.claim(id, NOW, LEASE_MS)) as Delivery;
      await deliveries.settle(claimed, bad, { kind: 'retry', at: later(30) });
      expect(await deliveries.get(id)).toMatchObject({
        state: 'pending',
        failures: 1,
        attempts: [bad],
        next_attempt_at: later(30).toISOString(),
      });
      expect(await deliveries.claim(id, later(28), LEASE_MS)).toBeUndefined();
      // SQS has a message for what is due soon; without it the sweeper comes a minute later.
      expect(await isDue({ delivery_id: id }, later(89))).toBe(false);
      await expect.poll(() => isDue({ delivery_id: id }, later(90)), SOON).toBe(true);
      const second = (await deliveries.claim(id, later(30), LEASE_MS)) as Delivery;
      await deliveries.settle(second, bad, { kind: 'retry', at: later(7_200) });
      // What SQS cannot hold back is the sweeper's to wake, in time.
      await expect.poll(() => isDue({ delivery_id: id }, later(7_200)), SOON).toBe(true);
      expect(await isDue({ delivery_id: id }, later(7_199))).toBe(false);
    });

    it('leaves alone what was just woken, and tells whose it is', async () => {
      const { jobs, deliveries } = stores;
      const { job, delivery } = await opened();
      const untold = await put();
      await jobs.end(untold.id, 'canceled', NOW);
      const messages = [{ delivery_id: delivery.delivery_id }, { job_id: untold.id }];
      for (const message of messages) {
        const whose = await deliveries.postpone(message, later(900));
        expect(whose?.tenant).toBe('job_id' in message ? untold.tenant : job.tenant);
        await expect.poll(() => isDue(message, later(899)), SOON).toBe(false);
        await expect.poll(() => isDue(message, later(900)), SOON).toBe(true);
      }
      const [message] = messages;
      const claimed = (await deliveries.claim(delivery.delivery_id, NOW, LEASE_MS)) as Delivery;
      await deliveries.settle(claimed, ok, { kind: 'delivered' });
      expect(await deliveries.postpone(message as WebhookMessage, later(900))).toBeUndefined();
      await expect.poll(() => isDue(message as WebhookMessage, later(900_000)), SOON).toBe(false);
    });

    it('starts a delivery anew that is over, with a day before it and the attempts it had', async () => {
      const { deliveries } = stores;
      const { delivery } = await opened();
      const id = delivery.delivery_id;
      const claimed = (await deliveries.claim(id, NOW, LEASE_MS)) as Delivery;
      expect(await deliveries.restart(id, later(1))).toBeUndefined();
      await deliveries.settle(claimed, bad, { kind: 'failed', dead: true });
      expect(await deliveries.claim(id, later(100), LEASE_MS)).toBeUndefined();
      expect(await deliveries.restart(id, later(200_000))).toMatchObject({
        state: 'pending',
        failures: 0,
        attempts: [bad],
        next_attempt_at: later(200_000).toISOString(),
        give_up_at: later(286_400).toISOString(),
      });
      expect(await deliveries.claim(id, later(200_000), LEASE_MS)).toMatchObject({ delivery_id: id });
      expect(await deliveries.restart('whd_nobody', NOW)).toBeUndefined();
    });

    it('keeps the last thirty attempts, lives as long as its job, and goes when it is erased', async () => {
      const { deliveries } = stores;
      const { job, delivery } = await opened();
      const id = delivery.delivery_id;
      let now = 0;
      for (let attempt = 1; attempt <= 32; attempt += 1) {
        const claimed = (await deliveries.claim(id, later(now), LEASE_MS)) as Delivery;
        now += 10;
        await deliveries.settle(claimed, { ...bad, duration_ms: attempt }, { kind: 'retry', at: later(now) });
      }
      const kept = (await deliveries.get(id)) as Delivery;
      expect(kept.attempts.map(({ duration_ms: each }) => each)).toEqual(
        Array.from({ length: 30 }, (_, index) => index + 3),
      );
      expect(kept.failures).toBe(32);
      expect(kept.expires_at).toBeGreaterThanOrEqual(job.expires_at);
      expect(kept.expires_at).toBeGreaterThan(NOW.getTime() / 1000 + 2 * 86_400);
      await deliveries.erase([id]);
      expect(await deliveries.get(id)).toBeUndefined();
      expect(await deliveries.claim(id, later(now), LEASE_MS)).toBeUndefined();
    });
  });
}
