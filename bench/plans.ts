/**
 * The memory planner against measurement: for each codec a job in a fresh worker whose device takes no memory of its own, what
 * the worker's anonymous memory grew by, and what was planned.
 */

import { MAX_PIXELS_IN_MEMORY } from '../gpu-worker/image/pixels.ts';
import { probeImage } from '../gpu-worker/image/probe.ts';
import { planMemory } from '../gpu-worker/memory-plan.ts';
import { type Case, picture, type Stores } from './cases.ts';
import type { Child } from './child.ts';
import { memoryOf } from './machine.ts';
import { tiledMemory } from './memory.ts';

export interface PlanFigures {
  readonly asked: Case;
  readonly plannedMb: number;
  /** Above what the same worker took before the job. */
  readonly measuredMb: number;
}

const MB = 1024 ** 2;
/** The first job of a worker opens sessions and loads what it is made of; here it has both threads busy. */
const WARM_UP: Case = { width: 700, height: 700, factor: 2, format: 'png' };

const large = { width: 6000, height: 4000, factor: 2 } as const;
const medium = { width: 3000, height: 2000, factor: 2 } as const;
const small = { width: 1200, height: 1000, factor: 2 } as const;
export const planCases: readonly Case[] = [
  { ...small, format: 'png' },
  { ...small, format: 'jpeg' },
  { ...small, format: 'webp' },
  { ...small, format: 'png', input: 'png with alpha' },
  { ...medium, format: 'jpeg' },
  { ...medium, format: 'webp' },
  { ...medium, format: 'png', input: 'png with alpha' },
  ...(
    [
      'jpeg',
      'progressive jpeg',
      'progressive jpeg 4:4:4',
      'turned jpeg',
      'interlaced png',
      'webp',
      'gif',
      'tiff',
      'avif',
    ] as const
  ).map((input): Case => ({ ...large, format: 'jpeg', input })),
];

/** @param worker a fresh one */
export async function measurePlan(worker: Child, stores: Stores, asked: Case): Promise<PlanFigures> {
  await tiledMemory(worker, stores, WARM_UP);
  const before = (await memoryOf(worker.pid)).anonymous;
  const { anonymous } = await tiledMemory(worker, stores, asked);
  const bytes = await picture(asked);
  const info = await probeImage(bytes, { maxInputPixels: Number.MAX_SAFE_INTEGER });
  const { factor, format } = asked;
  const makes = { kind: 'enlarged', factor, format } as const;
  const { memory } = planMemory({ info, fileBytes: bytes.length, makes }, MAX_PIXELS_IN_MEMORY);
  return { asked, plannedMb: memory / MB, measuredMb: Math.max(1, anonymous - before) };
}
