/**
 * What the worker says about itself on loopback or inside its task: /health for the container's health check and
 * /metrics for Prometheus. The event-loop delay is here because it is a promise: leases live on that loop.
 */
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { DeviceMemory } from './device-memory.ts';
import { DeviceMetrics } from './device-metrics.ts';
import type { MemoryGate } from './memory-gate.ts';
import type { Finished } from './run-job.ts';

/** starting: models load; ready: takes jobs; draining: finishes what it has; failed: about to exit. */
export type Health = 'starting' | 'ready' | 'draining' | 'failed';

export interface WorkerFacts {
  readonly id: string;
  readonly device: string;
  readonly models: () => readonly string[];
  readonly modelBytes: () => number;
  /** Where the device has memory of its own. */
  readonly deviceMemory?: () => Promise<DeviceMemory | undefined>;
}

/** Timer resolution; the histogram counts delay beyond it. */
const RESOLUTION_MS = 1;
const PHASE_BUCKETS_S = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

export class Metrics {
  health: Health = 'starting';
  readonly #registry = new Registry();
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #results: Counter<'result'>;
  readonly #phases: Histogram<'phase' | 'model'>;
  readonly #failures: Counter<'reason' | 'model'>;
  readonly #answers: Counter<'cache' | 'model'>;
  readonly #loadFailures: Counter<'model'>;
  readonly #facts: WorkerFacts;
  readonly device: DeviceMetrics;

  constructor(
    facts: WorkerFacts,
    busy: () => number,
    device: ConstructorParameters<typeof DeviceMetrics>[1],
    memory: Pick<MemoryGate, 'used' | 'waiting' | 'whole'>,
  ) {
    this.#facts = facts;
    this.device = new DeviceMetrics(this.#registry, device);
    this.#loop.enable();
    const registers = [this.#registry];
    this.#results = new Counter({
      name: 'outboard_jobs_total',
      help: 'Messages by what became of their job.',
      labelNames: ['result'],
      registers,
    });
    this.#phases = new Histogram({
      name: 'outboard_job_phase_seconds',
      help: 'Time of succeeded jobs by phase; `settle` of all attempts.',
      labelNames: ['phase', 'model'],
      buckets: PHASE_BUCKETS_S,
      registers,
    });
    this.#failures = new Counter({
      name: 'outboard_failures_total',
      help: 'Attempts without a result by their reason, those that are tried again included.',
      labelNames: ['reason', 'model'],
      registers,
    });
    this.#answers = new Counter({
      name: 'outboard_stored_answers_total',
      help: 'Jobs whose answer may have been stored before, by whether it was.',
      labelNames: ['cache', 'model'],
      registers,
    });
    this.#loadFailures = new Counter({
      name: 'outboard_model_load_failures_total',
      help: 'Promoted versions that could not be loaded; the version before goes on serving.',
      labelNames: ['model'],
      registers,
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge('outboard_jobs_running', 'Jobs in hand.', busy);
    gauge('outboard_jobs_waiting_for_memory', 'Jobs in hand that do not fit yet.', () => memory.waiting);
    gauge(
      'outboard_memory_planned_bytes',
      'Peaks of the running jobs, as planned.',
      () => memory.used.memory,
    );
    gauge('outboard_memory_budget_bytes', 'What they may be planned to take.', () => memory.whole.memory);
    gauge('outboard_scratch_planned_bytes', 'Scratch disk of the running jobs.', () => memory.used.disk);
    gauge(
      'outboard_event_loop_delay_p99_seconds',
      'Main thread, since start.',
      () => this.eventLoopDelayMs(99) / 1000,
    );
    gauge(
      'outboard_event_loop_delay_max_seconds',
      'Main thread, since start.',
      () => this.eventLoopDelayMs(100) / 1000,
    );
    gauge('outboard_model_memory_bytes', 'Of the models that are loaded, as their load took it.', () =>
      facts.modelBytes(),
    );
    const { deviceMemory } = facts;
    if (deviceMemory !== undefined) {
      const names = ['used', 'total'] as const;
      new Gauge({
        name: 'outboard_device_memory_bytes',
        help: 'Of the GPU, all its processes together.',
        labelNames: ['part'],
        registers,
        async collect() {
          const memory = await deviceMemory();
          if (memory !== undefined) for (const part of names) this.set({ part }, memory[part]);
        },
      });
    }
    gauge('outboard_resident_memory_bytes', 'Of the whole process.', () => process.memoryUsage.rss());
  }

  /** Milliseconds that timers of the main thread came late, at a percentile since start. */
  eventLoopDelayMs(percentile: number): number {
    const nanoseconds = percentile === 100 ? this.#loop.max : this.#loop.percentile(percentile);
    return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  }

  count({ result, model = '', timings, settleMs, reason, cache }: Finished): void {
    this.#results.inc({ result });
    for (const [phase, milliseconds] of Object.entries(timings ?? {})) {
      this.#phases.observe({ phase: phase.replace(/_ms$/, ''), model }, milliseconds / 1000);
    }
    if (settleMs !== undefined) this.#phases.observe({ phase: 'settle', model }, settleMs / 1000);
    if (reason !== undefined) this.#failures.inc({ reason, model });
    if (cache !== undefined) this.#answers.inc({ cache, model });
  }

  countLoadFailure(model: string): void {
    this.#loadFailures.inc({ model });
  }

  /** @returns how to close it. */
  async serve(host: string, port: number): Promise<() => Promise<void>> {
    const server = createServer(async (request, response) => {
      if (request.url === '/metrics') {
        response.setHeader('content-type', this.#registry.contentType).end(await this.#registry.metrics());
      } else if (request.url === '/health') {
        const serving = this.health === 'ready' || this.health === 'draining';
        response.writeHead(serving ? 200 : 503, { 'content-type': 'application/json' });
        const { id, device, models } = this.#facts;
        response.end(JSON.stringify({ status: this.health, id, device, models: models() }));
      } else {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    return () => new Promise((resolve) => server.close(() => resolve()));
  }
}
