/**
 * Memory of the GPU, as its driver's own tool tells it: onnxruntime does not say what its arenas hold. Asked for by whoever
 * reads the metrics, and at most every few seconds, because the tool takes a tenth of a second of a core.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ASK_EVERY_MS = 10_000;
const PATIENCE_MS = 5_000;
const MEBIBYTE = 1024 * 1024;
const QUERY = ['--query-gpu=memory.used,memory.total', '--format=csv,noheader,nounits', '--id=0'];

export interface DeviceMemory {
  /** Bytes, of all processes on the device. */
  readonly used: number;
  readonly total: number;
}

/** @returns what reads the memory; undefined where there is no tool, or it knows no device */
export function deviceMemoryReader(tool = 'nvidia-smi'): () => Promise<DeviceMemory | undefined> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let latest: Promise<DeviceMemory | undefined> = Promise.resolve(undefined);
  return () => {
    if (performance.now() - askedAt < ASK_EVERY_MS) return latest;
    askedAt = performance.now();
    latest = run(tool, QUERY, { timeout: PATIENCE_MS }).then(
      ({ stdout }) => readMemory(stdout),
      () => undefined,
    );
    return latest;
  };
}

/** `1234, 81559` in MiB. */
function readMemory(line: string): DeviceMemory | undefined {
  const [used = Number.NaN, total = Number.NaN] = line.split(',').map(Number);
  return used >= 0 && total > 0 ? { used: used * MEBIBYTE, total: total * MEBIBYTE } : undefined;
}
