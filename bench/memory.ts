/** The worker's memory for pictures of growing size, beside one run of the whole picture through the graph. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, type Stores, submitJobs } from './cases.ts';
import { Child } from './child.ts';
import { type Memory, memoryOf } from './machine.ts';

export interface MemoryFigures {
  readonly megapixels: number;
  readonly tiled: Memory;
  /** Absent where it was not run: its memory grows with the picture. */
  readonly whole?: Memory;
}

const EVERY_MS = 20;

/** The highest of both figures while `work` goes on. */
export async function peakWhile(pid: number, work: Promise<unknown>): Promise<Memory> {
  let anonymous = 0;
  let running = true;
  const done = work.finally(() => {
    running = false;
  });
  while (running) {
    anonymous = Math.max(anonymous, (await memoryOf(pid)).anonymous);
    await Promise.race([done, sleep(EVERY_MS)]);
  }
  await done;
  return { peak: (await memoryOf(pid)).peak, anonymous };
}

/** @param worker a fresh one, which has done no other job @returns at its highest, in MB */
export function tiledMemory(worker: Child, stores: Stores, asked: Case): Promise<Memory> {
  return peakWhile(
    worker.pid,
    (async () => {
      const [id = ''] = await submitJobs(stores, asked, 1);
      for (;;) {
        const job = await stores.jobs.get(id);
        if (job?.status === 'succeeded') return;
        if (job?.status === 'failed') throw new Error(`${job.error?.code}: ${job.error?.message}`);
        await sleep(EVERY_MS * 5);
      }
    })(),
  );
}

export async function wholeMemory(asked: Case): Promise<Memory> {
  const child = new Child([new URL('./whole-picture.ts', import.meta.url).pathname]);
  try {
    return await peakWhile(child.pid, child.ask(asked));
  } finally {
    await child.close();
  }
}
