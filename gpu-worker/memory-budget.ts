/** How much memory jobs may take together, where nobody said: what is left of the container's or machine's. Pure. */

export interface Machine {
  /** Of the container; more than `total` where it has none. */
  readonly containerBytes: number;
  /** Of the machine. */
  readonly totalBytes: number;
}

export interface Others {
  /** What idle models may take. */
  readonly modelBytes: number;
  /** Files that were fetched and wait at the door. */
  readonly waitingBytes: number;
}

/** The process with its threads before any job, and what the allocator keeps. */
export const RUNTIME_BYTES = 384_000_000;
/** Of a machine that has no limit set: other programs run there too. */
const SHARE_OF_MACHINE = 0.5;
/** At least this share of the limit is the jobs'; models and the rest take what is left. */
export const LEAST_SHARE = 0.25;

/** @returns bytes for the pictures of all jobs */
export function memoryBudget(
  { containerBytes, totalBytes }: Machine,
  { modelBytes, waitingBytes }: Others,
): number {
  const limit =
    containerBytes > 0 && containerBytes < totalBytes ? containerBytes : totalBytes * SHARE_OF_MACHINE;
  return Math.floor(Math.max(limit * LEAST_SHARE, limit - RUNTIME_BYTES - modelBytes - waitingBytes));
}
