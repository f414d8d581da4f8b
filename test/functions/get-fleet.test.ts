/** GET /v1/fleet: an operator sees which workers are there, what was ordered and why. */
import { expect, it } from 'vitest';
import type { z } from 'zod';
import { getFleet } from '../../functions/get-fleet.ts';
import { WORKER_SILENT_MS } from '../../shared/fleet.ts';
import { fleetSchema } from '../../shared/responses.ts';
import { freshFleet } from './fleet-rows.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');
const at = (ms: number): string => new Date(NOW + ms).toISOString();

async function setup() {
  const { fleet } = await freshFleet();
  const route = getFleet({ fleet, queue: { depth: async () => 7 }, stage: 'test' }, () => new Date(NOW));
  return {
    fleet,
    read: async () => {
      const { status, body } = await route();
      expect(status).toBe(200);
      const sent = JSON.parse(JSON.stringify(body));
      fleetSchema.parse(sent);
      return sent as z.infer<typeof fleetSchema>;
    },
    worker: (id: string, started: number, silentMs = 0) =>
      fleet.beat({
        id,
        state: 'ready',
        device: 'cuda',
        busy: 2,
        places: 4,
        models: ['super-resolution-tiny@1'],
        started_at: at(started),
        seen_at: at(-silentMs),
      }),
  };
}

it('shows the workers that were heard from, oldest first, and how much waits', async () => {
  const { worker, read } = await setup();
  await worker('young', -1_000);
  await worker('old', -9_000);
  await worker('silent', -99_000, WORKER_SILENT_MS + 1);
  const seen = await read();
  expect(seen).toMatchObject({ stage: 'test', queue: { waiting: 7 } });
  expect(seen.order).toBeUndefined();
  expect(seen.workers.map(({ id }) => id)).toEqual(['old', 'young']);
  expect(seen.workers[0]).toEqual({
    id: 'old',
    state: 'ready',
    device: 'cuda',
    busy: 2,
    places: 4,
    models: ['super-resolution-tiny@1'],
    started_at: at(-9_000),
    seen_at: at(0),
  });
});

it('shows what the scaler ordered and what the cloud said, and nothing of its memory', async () => {
  const { fleet, read } = await setup();
  const order = {
    desired: 3,
    running: 1,
    backlog_seconds: 170.5,
    open_jobs: 12,
    reason: 'backlog',
    updated_at: at(-5_000),
    capacity_error: { code: 'VcpuLimitExceeded', message: 'The quota is 0.', at: at(-6_000) },
  };
  await fleet.record({ ...order, scaling: {} as never }, 0);
  expect((await read()).order).toEqual(order);
  await fleet.claimWake(new Date(NOW));
  expect(Object.keys((await read()).order ?? {}).sort()).toEqual(Object.keys(order).sort());
});
