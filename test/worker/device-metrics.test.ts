/** What Prometheus is told about the device. */
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { DeviceMetrics } from '../../gpu-worker/device-metrics.ts';
import { enlargerLane, noise, openPool } from '../inference/setup.ts';

it('tells fill, wait and run of batches, what waits in which lane, and how long threads computed', async () => {
  const { device, runs, enlarge } = openPool({ batchSize: 4 });
  const registry = new Registry();
  const metrics = new DeviceMetrics(registry, device);
  const lane = await enlargerLane(16);
  const label = 'lane="super-resolution-tiny/1/x2.onnx 16x16"';
  const answers = Array.from({ length: 5 }, (_, seed) => enlarge(lane, noise(16 * 16 * 3, seed)));
  expect(await registry.metrics()).toContain(`outboard_lane_waiting_items{${label}} 5`);
  await Promise.all(answers);
  for (const run of runs) metrics.observe(run);
  const text = await registry.metrics();
  expect(text).toContain(`outboard_lane_waiting_items{${label}} 0`);
  expect(text).toContain(`outboard_batch_fill_ratio_bucket{le="0.25",${label}} 1`);
  expect(text).toContain(`outboard_batch_fill_ratio_sum{${label}} 1.25`);
  expect(text).toContain(`outboard_batch_wait_seconds_count{${label}} 5`);
  expect(text).toContain(`outboard_device_run_seconds_count{${label}} 2`);
  expect(text).toContain('outboard_device_threads 1');
  const busy = Number(/^outboard_device_busy_seconds_total (.+)$/m.exec(text)?.[1]);
  expect(busy).toBeCloseTo(
    runs.reduce((sum, { runMs }) => sum + runMs / 1000, 0),
    6,
  );
  expect(busy).toBeGreaterThan(0);
});
