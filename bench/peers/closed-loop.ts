/** Clients that each ask, wait for the whole answer, and ask again: what a system does under a load that never lets up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOf, memoryOfTree } from './process-tree.ts';
import type { Running, Task } from './system.ts';

export interface LoopFigures {
  readonly jobs: number;
  readonly seconds: number;
  readonly jobsPerSecond: number;
  /** From the request to the whole answer, ms, of each job that was answered in the measured time. */
  readonly latenciesMs: readonly number[];
  /** Of all charged processes. */
  readonly cpuMsPerJob: number;
  /** Cores that they kept busy: less than they had means that something else was waited for. */
  readonly coresUsed: number;
  /** Proportional set size of all charged processes at its highest, MB. */
  readonly peakMegabytes: number;
}

export interface LoopOptions {
  readonly task: Task;
  /** @returns a file that was never sent before, so that nobody answers from a cache */
  readonly picture: () => Buffer;
  readonly clients: number;
  readonly warmSeconds: number;
  readonly seconds: number;
}

const MEMORY_EVERY_MS = 500;
const LOOK_EVERY_MS = 50;

/** @throws where any job fails: a figure beside failures would mean nothing */
export async function closedLoop(
  { ask, processes }: Pick<Running, 'ask' | 'processes'>,
  { task, picture, clients, warmSeconds, seconds }: LoopOptions,
): Promise<LoopFigures> {
  let ending = false;
  let latencies: number[] = [];
  const client = async () => {
    while (!ending) {
      const start = performance.now();
      await ask(task, picture());
      latencies.push(performance.now() - start);
    }
  };
  const failed = Promise.all(Array.from({ length: clients }, client)).finally(() => {
    ending = true;
  });
  await Promise.race([failed, sleep(warmSeconds * 1000)]);
  // Some start a process or load a model for the first that ask together.
  while (!ending && latencies.length < clients) await Promise.race([failed, sleep(LOOK_EVERY_MS)]);

  latencies = [];
  const [cpu, begun] = [cpuOf(processes), performance.now()];
  let peak = 0;
  const end = begun + seconds * 1000;
  while (!ending && performance.now() < end) {
    peak = Math.max(peak, memoryOfTree(processes));
    await Promise.race([failed, sleep(Math.max(0, Math.min(MEMORY_EVERY_MS, end - performance.now())))]);
  }
  const elapsed = performance.now() - begun;
  const spent = cpuOf(processes) - cpu;
  const measured = latencies;
  latencies = [];
  ending = true;
  await failed;
  return {
    jobs: measured.length,
    seconds: elapsed / 1000,
    jobsPerSecond: measured.length / (elapsed / 1000),
    latenciesMs: measured.map((value) => Math.round(value * 10) / 10),
    cpuMsPerJob: spent / measured.length,
    coresUsed: spent / elapsed,
    peakMegabytes: peak,
  };
}
