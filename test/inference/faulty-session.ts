/**
 * Sessions that fail as a device does. What they do is said in OUTBOARD_TEST_FAULTS, JSON of Faults, read when the
 * thread starts; pictures that meet no fault go through the real graph.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSession as openRealSession, type Session } from '../../gpu-worker/inference/session.ts';

export { openTensorSession } from '../../gpu-worker/inference/session.ts';

export interface Faults {
  /** A run of more pixels than this is out of memory. */
  readonly mostPixels?: number;
  /** Every run from this one on fails, whatever it is given. */
  readonly brokenFrom?: number;
  /** A run whose first pixel has this colour takes the whole process with it. */
  readonly abortsOn?: readonly number[];
  /** A run whose first pixel has this colour blocks in the system, as in a driver: nothing in the process can wake it. */
  readonly hangsOn?: readonly number[];
  /** Milliseconds that each run sleeps, as if a device elsewhere worked. */
  readonly sleepMs?: number;
}

/** Opens a pipe that nobody will ever write to. */
function blockForever(): void {
  const pipe = path.join(mkdtempSync(path.join(tmpdir(), 'outboard-hang-')), 'pipe');
  execFileSync('mkfifo', [pipe]);
  openSync(pipe, 'r');
}

const faults = JSON.parse(process.env.OUTBOARD_TEST_FAULTS ?? '{}') as Faults;
const clock = new Int32Array(new SharedArrayBuffer(4));
let runs = 0;

export const openSession: typeof openRealSession = async (graph, device, exact) => {
  const real = await openRealSession(graph, device, exact);
  return {
    async run(input, shape, output) {
      runs += 1;
      const pixels = shape.batch * shape.height * shape.width;
      if (pixels > (faults.mostPixels ?? Number.POSITIVE_INFINITY)) {
        throw new Error(
          'Non-zero status code returned while running Conv node. Status Message: bfc_arena.cc:376 ' +
            `AllocateRawInternal Failed to allocate memory for requested buffer of size ${pixels * 256}`,
        );
      }
      if (runs >= (faults.brokenFrom ?? Number.POSITIVE_INFINITY)) {
        throw new Error('CUDA failure 700: an illegal memory access was encountered');
      }
      if (faults.hangsOn?.every((value, channel) => input[channel] === value)) blockForever();
      // A thread cannot call abort(); the signal that abort() sends does the same.
      if (faults.abortsOn?.every((value, channel) => input[channel] === value))
        process.kill(process.pid, 'SIGABRT');
      if (faults.sleepMs !== undefined) Atomics.wait(clock, 0, 0, faults.sleepMs);
      await real.run(input, shape, output);
    },
    release: () => real.release(),
  } satisfies Session;
};
