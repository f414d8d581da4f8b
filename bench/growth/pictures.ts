/** What a picture costs as it grows: CPU time and memory of a fresh worker that enlarges it twice, to JPEG. */
import type { Case, Stores } from '../cases.ts';
import { type Memory, memoryOf } from '../machine.ts';
import { tiledMemory } from '../memory.ts';
import type { Reading } from '../probe.ts';
import { withWorker } from '../worker.ts';

export interface PictureFigures {
  readonly megapixels: number;
  /** CPU of all threads of the worker, ms, for this job. */
  readonly cpuMs: number;
  /** From the submit to the end, ms. */
  readonly wallMs: number;
  /** Before the job, models loaded and warm. */
  readonly idle: Memory;
  readonly peak: Memory;
}

/** Four to three, and no multiple of a tile. */
function sizeOf(megapixels: number): { width: number; height: number } {
  const height = Math.round(Math.sqrt((megapixels * 1e6 * 3) / 4));
  return { width: Math.floor((megapixels * 1e6) / height), height };
}

export function measurePicture(
  stores: Stores,
  port: string | undefined,
  megapixels: number,
): Promise<PictureFigures> {
  return withWorker({ port }, async (worker) => {
    const asked: Case = { ...sizeOf(megapixels), factor: 2, format: 'jpeg' };
    const idle = await memoryOf(worker.pid);
    const [before, start] = [await worker.ask<Reading>('read'), performance.now()];
    const peak = await tiledMemory(worker, stores, asked);
    const wallMs = performance.now() - start;
    const after = await worker.ask<Reading>('read');
    return { megapixels, cpuMs: after.cpuMs - before.cpuMs, wallMs, idle, peak };
  });
}
