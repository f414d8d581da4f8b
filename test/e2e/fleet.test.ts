/** From no worker to workers and back: the submit wakes the fleet, jobs tell what they wait for, idle workers leave. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { credentials, HOST } from '../../local/settings.ts';
import { setup } from './setup.ts';

const photo = await readFile(path.resolve(import.meta.dirname, '../fixtures/photo-small.png'));
const GRACE_SECONDS = 2;

const { send, submit, job, ended, ports, fleetRows, workerCount, protectedCount, lines } = setup(
  5100,
  {
    OUTBOARD_MAX_WORKERS: '2',
    OUTBOARD_GRACE_SECONDS: String(GRACE_SECONDS),
    OUTBOARD_HEARTBEAT_SECONDS: '1',
    OUTBOARD_SHUTDOWN_SECONDS: '60',
  },
  { fleet: true },
);

/** As the alarm does: calls the scaling function and gets its answer. */
async function scaleNow(): Promise<{ desired: number; reason: string }> {
  const lambda = new LambdaClient({
    endpoint: `http://${HOST}:${ports.lambda}`,
    region: 'us-east-1',
    credentials,
  });
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'outboard-local-scale' }));
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

it('starts with the first job, tells it what it waits for, and goes back to nothing', {
  timeout: 180_000,
}, async () => {
  expect(workerCount()).toBe(0);
  expect(await scaleNow()).toMatchObject({ desired: 0, reason: 'idle' });

  const image_base64 = photo.toString('base64');
  // The function that reads jobs is warm, so the first look comes before any worker can be there.
  await send('GET', '/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaa');
  const first = await submit({ image_base64 });
  const last = first.id;
  const others = Promise.all(Array.from({ length: 7 }, () => submit({ image_base64 })));
  const phases = new Set<string | undefined>();
  for (let seen = await job(last); seen.status === 'queued'; seen = await job(last)) {
    phases.add(seen.queue?.phase);
    expect(seen.queue?.position).toBeGreaterThanOrEqual(1);
    await sleep(100);
  }
  // A worker that loads faster than it is looked at may skip a phase, but nobody may wait without one.
  expect([...phases]).toContain('starting worker');
  expect(phases.has(undefined)).toBe(false);
  for (const { id } of [first, ...(await others)])
    expect(await ended(id)).toMatchObject({ status: 'succeeded' });
  expect(await job(last)).not.toHaveProperty('queue');
  expect(lines.filter((line) => line.startsWith('fleet   starting'))).toHaveLength(1);

  await expect
    .poll(async () => (await fleetRows.workers(new Date()))[0], { timeout: 15_000 })
    .toMatchObject({ state: 'ready', device: 'cpu', busy: 0 });
  // Told with a heartbeat, which may be the next one.
  await expect
    .poll(() => fleetRows.costs(), { timeout: 15_000 })
    .toEqual({ 'super-resolution-tiny@1 x4': expect.any(Number) });

  // The grace time begins with the first look that finds nothing to do.
  await scaleNow();
  await sleep(GRACE_SECONDS * 1000 + 200);
  expect(await scaleNow()).toMatchObject({ desired: 0 });
  expect(workerCount()).toBe(0);
  await expect.poll(async () => (await fleetRows.workers(new Date())).length, { timeout: 30_000 }).toBe(0);

  const again = await submit({ image_base64 });
  expect(await ended(again.id)).toMatchObject({ status: 'succeeded' });
  expect(lines.filter((line) => line.startsWith('fleet   starting'))).toHaveLength(2);
});

it('does not end a worker that is at work, whatever is ordered', { timeout: 120_000 }, async () => {
  const big = await readFile(path.resolve(import.meta.dirname, '../fixtures/photo.jpg'));
  const { id } = await submit({
    image_base64: big.toString('base64'),
    model: 'super-resolution-base',
    upscale_factor: 8,
  });
  await expect.poll(async () => (await job(id)).status, { timeout: 60_000 }).toBe('running');
  await expect.poll(protectedCount, { timeout: 15_000 }).toBe(1);
  // Somebody orders nothing by hand, as an operator may.
  const order = await fetch(`http://${HOST}:${ports.fleet}/`, {
    method: 'POST',
    headers: { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.UpdateService' },
    body: JSON.stringify({ cluster: 'outboard-local', service: 'outboard-local-workers', desiredCount: 0 }),
  });
  expect(order.status).toBe(200);
  expect(workerCount()).toBe(1);
  expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  await expect.poll(workerCount, { timeout: 30_000 }).toBe(0);
});
