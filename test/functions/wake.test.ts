/** Waking a fleet at zero: of many submits one does it, and none is hurt where it cannot be done. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { wakeFleet } from '../../functions/jobs/wake.ts';
import type { FleetStore } from '../../shared/aws/fleet-store.ts';
import { ScaleInvoker } from '../../shared/aws/scale-invoker.ts';
import { WAKE_AGAIN_MS } from '../../shared/fleet.ts';
import { silent } from '../job/services.ts';
import { freshFleet } from './fleet-rows.ts';

const SUBMITS = 100;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Takes asynchronous invocations as Lambda does, and remembers them. */
async function lambdaServer(status = 202) {
  const calls: { path: string; type: string | undefined; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const type = request.headers['x-amz-invocation-type'];
    calls.push({ path: request.url ?? '', type: String(type), body: await json(request) });
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    calls,
    scaler: new ScaleInvoker({ region: 'us-east-1', endpoint: `http://127.0.0.1:${port}` }, 'scale'),
  };
}

const fleetRow = {
  running: 0,
  backlog_seconds: 0,
  open_jobs: 0,
  reason: 'idle',
  updated_at: new Date().toISOString(),
};

it(`wakes a fleet at zero once, although ${SUBMITS} functions take a job in the same moment`, async () => {
  const { fleet } = await freshFleet();
  const { calls, scaler } = await lambdaServer();
  // One closure a submit: as many instances of the function, none of which knows of another.
  await Promise.all(Array.from({ length: SUBMITS }, () => wakeFleet({ fleet, scaler, log: silent })(2.5)));
  expect(calls).toEqual([
    { path: '/2015-03-31/functions/scale/invocations', type: 'Event', body: { wake_seconds: 2.5 } },
  ]);
});

it('wakes nobody while workers are ordered, and again once none are', async () => {
  const { fleet } = await freshFleet();
  const { calls, scaler } = await lambdaServer();
  const submit = () => wakeFleet({ fleet, scaler, log: silent })(1);
  await fleet.record({ ...fleetRow, desired: 2 }, 0);
  await submit();
  expect(calls).toHaveLength(0);
  await fleet.record({ ...fleetRow, desired: 0 }, 1);
  await submit();
  expect(calls).toHaveLength(1);
});

it('repeats a wake-up that brought nothing, after a while', async () => {
  const { fleet } = await freshFleet();
  const { calls, scaler } = await lambdaServer();
  const start = Date.now();
  const at = (milliseconds: number) =>
    wakeFleet({ fleet, scaler, log: silent }, () => new Date(start + milliseconds))(1);
  await at(0);
  await at(WAKE_AGAIN_MS - 1);
  expect(calls).toHaveLength(1);
  await at(WAKE_AGAIN_MS + 1);
  expect(calls).toHaveLength(2);
});

it('asks a busy fleet only every two seconds', async () => {
  const { fleet } = await freshFleet();
  await fleet.record({ ...fleetRow, desired: 1 }, 0);
  let reads = 0;
  const counted = {
    read: () => {
      reads += 1;
      return fleet.read();
    },
    claimWake: (now: Date) => fleet.claimWake(now),
  };
  let now = 0;
  const { scaler } = await lambdaServer();
  const wake = wakeFleet({ fleet: counted, scaler, log: silent }, () => new Date(now));
  for (; now < 10_000; now += 100) await wake(1);
  expect(reads).toBe(5);
});

it('never fails a submit: not without a table, not where the scaler refuses', async () => {
  const { fleet } = await freshFleet();
  const refused: unknown[] = [];
  const log = { ...silent, error: (...told: unknown[]) => void refused.push(told) };
  const { scaler } = await lambdaServer(403);
  await wakeFleet({ fleet, scaler, log })(1);
  const away = { read: () => Promise.reject(new Error('away')), claimWake: () => Promise.resolve(true) };
  await wakeFleet({ fleet: away as unknown as FleetStore, scaler, log })(1);
  await wakeFleet({ fleet: away as unknown as FleetStore, scaler: undefined, log })(1);
  expect(refused).toHaveLength(2);
});
