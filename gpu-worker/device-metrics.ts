/**
 * How the device is used, for Prometheus: whether batches are full, how long items wait for one, what waits in each
 * lane, and how long threads compute. A lane is named by its graph's file and its size.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RunReport } from './inference/batcher.ts';
import type { DevicePool } from './inference/device-pool.ts';

const FILL_BUCKETS = [0.125, 0.25, 0.5, 0.75, 1];
const SECONDS_BUCKETS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

export class DeviceMetrics {
  readonly #fill: Histogram<'lane'>;
  readonly #wait: Histogram<'lane'>;
  readonly #run: Histogram<'lane'>;
  readonly #busy: Counter;

  constructor(registry: Registry, device: Pick<DevicePool, 'depths' | 'threads'>) {
    const registers = [registry];
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, labelNames: ['lane'] as const, buckets, registers });
    this.#fill = histogram(
      'outboard_batch_fill_ratio',
      'Items of a run by the most it can take.',
      FILL_BUCKETS,
    );
    this.#wait = histogram(
      'outboard_batch_wait_seconds',
      'From an item being ready for the device to the start of its run.',
      SECONDS_BUCKETS,
    );
    this.#run = histogram('outboard_device_run_seconds', 'One run of a graph.', SECONDS_BUCKETS);
    this.#busy = new Counter({
      name: 'outboard_device_busy_seconds_total',
      help: 'Computing, all threads together: its rate by outboard_device_threads is the busy share.',
      registers,
    });
    new Gauge({
      name: 'outboard_device_threads',
      help: 'Threads that run models.',
      registers,
      collect() {
        this.set(device.threads);
      },
    });
    new Gauge({
      name: 'outboard_lane_waiting_items',
      help: 'Tiles and pictures that wait for the device.',
      labelNames: ['lane'] as const,
      registers,
      collect() {
        this.reset();
        for (const [lane, depth] of device.depths()) this.set({ lane }, depth);
      },
    });
  }

  observe({ lane, items, size, waitMs, runMs }: RunReport): void {
    this.#fill.observe({ lane }, items / size);
    for (const wait of waitMs) this.#wait.observe({ lane }, wait / 1000);
    this.#run.observe({ lane }, runMs / 1000);
    this.#busy.inc(runMs / 1000);
  }
}
