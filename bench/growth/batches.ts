/** What a run costs as more tiles share it. */
import { Child } from '../child.ts';
import type { Memory } from '../machine.ts';
import { peakWhile } from '../memory.ts';

export interface BatchFigures {
  readonly tiles: number;
  readonly cpuMs: number;
  readonly peak: Memory;
}

export async function measureBatch(tiles: number): Promise<BatchFigures> {
  const child = new Child([new URL('./batch.ts', import.meta.url).pathname]);
  try {
    const running = child.ask<number>({ batch: tiles, factor: 2 });
    const peak = await peakWhile(child.pid, running);
    return { tiles, cpuMs: await running, peak };
  } finally {
    await child.close();
  }
}
