/** What Prometheus is told of a worker's jobs, asked for as Prometheus asks. */
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { deviceMemoryReader } from '../../gpu-worker/device-memory.ts';
import { failureReason, failureReasons } from '../../gpu-worker/failure-reason.ts';
import { MemoryGate } from '../../gpu-worker/memory-gate.ts';
import { Metrics } from '../../gpu-worker/metrics.ts';
import { type ErrorCode, errorKinds } from '../../shared/errors.ts';
import { openPool } from '../inference/setup.ts';
import { testPort } from '../port.ts';

async function setup(deviceMemory?: ConstructorParameters<typeof Metrics>[0]['deviceMemory']) {
  const facts = { id: 'w', device: 'cpu', models: () => ['m@1'], modelBytes: () => 1_000 };
  const metrics = new Metrics(
    { ...facts, ...(deviceMemory === undefined ? {} : { deviceMemory }) },
    () => 3,
    openPool().device,
    new MemoryGate({ memory: 1e9, disk: 1e9 }),
  );
  const port = testPort(6290);
  onTestFinished(await metrics.serve('127.0.0.1', port));
  const read = async (route: string) => (await fetch(`http://127.0.0.1:${port}${route}`)).text();
  return { metrics, text: () => read('/metrics'), health: async () => JSON.parse(await read('/health')) };
}

it('tells the time of each phase by model, settling included', async () => {
  const { metrics, text } = await setup();
  const timings = { queue_ms: 20, fetch_ms: 5, decode_ms: 4, compute_ms: 30, encode_ms: 8, store_ms: 9 };
  metrics.count({ result: 'succeeded', model: 'm@1', timings, settleMs: 2 });
  metrics.count({ result: 'failed', model: 'm@2', settleMs: 2, reason: 'device' });
  const told = await text();
  for (const phase of ['queue', 'fetch', 'decode', 'compute', 'encode', 'store', 'settle'])
    expect(told).toContain(`outboard_job_phase_seconds_count{phase="${phase}",model="m@1"} 1`);
  expect(told).toContain('outboard_job_phase_seconds_sum{phase="compute",model="m@1"} 0.03');
  expect(told).toContain('outboard_job_phase_seconds_count{phase="settle",model="m@2"} 1');
});

it('tells why attempts failed, whether answers were stored, and what models take', async () => {
  const { metrics, text, health } = await setup();
  metrics.count({ result: 'retry', model: 'm@1', reason: 'timeout' });
  metrics.count({ result: 'lost', model: 'm@1', reason: 'canceled' });
  metrics.count({ result: 'succeeded', model: 'm@1', cache: 'hit' });
  const told = await text();
  expect(told).toContain('outboard_failures_total{reason="timeout",model="m@1"} 1');
  expect(told).toContain('outboard_failures_total{reason="canceled",model="m@1"} 1');
  expect(told).toContain('outboard_stored_answers_total{cache="hit",model="m@1"} 1');
  expect(told).toContain('outboard_model_memory_bytes 1000');
  expect(told).toMatch(/outboard_event_loop_delay_p99_seconds \d/);
  expect(await health()).toEqual({ status: 'starting', id: 'w', device: 'cpu', models: ['m@1'] });
});

it('tells the memory of a GPU as its tool does, and nothing where there is no tool', async () => {
  const tool = path.join(await mkdtemp(path.join(tmpdir(), 'outboard-test-')), 'nvidia-smi');
  await writeFile(tool, '#!/bin/sh\necho "1234, 81559"\n');
  await chmod(tool, 0o755);
  const found = await setup(deviceMemoryReader(tool));
  const told = await found.text();
  expect(told).toContain(`outboard_device_memory_bytes{part="used"} ${1234 * 1024 * 1024}`);
  expect(told).toContain(`outboard_device_memory_bytes{part="total"} ${81_559 * 1024 * 1024}`);
  expect(await deviceMemoryReader('/nowhere/nvidia-smi')()).toBeUndefined();
});

it('has one of six reasons for every code', () => {
  const codes = Object.keys(errorKinds) as ErrorCode[];
  expect(codes.filter((code) => !failureReasons.includes(failureReason(code)))).toEqual([]);
  const expected = {
    image_corrupt: 'input',
    url_status: 'input',
    input_not_found: 'input',
    image_too_many_pixels: 'rejected',
    url_timeout: 'timeout',
    model_failed: 'device',
    storage_failed: 'other',
    internal_error: 'other',
  } as const;
  for (const [code, reason] of Object.entries(expected))
    expect(failureReason(code as ErrorCode), code).toBe(reason);
});
