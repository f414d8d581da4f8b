/**
 * A session of gpu-worker/inference/session.ts that computes nothing: it blocks its thread for BENCH_DEVICE_MS as a
 * device would, then copies a picture out as a device's memory would be. It learns that picture by running the real
 * graph once, so that encoding costs what it costs in life.
 */
import { openSession as openRealSession, type Session } from '../gpu-worker/inference/session.ts';

/** Classes and boxes are computed as ever. */
export { openTensorSession } from '../gpu-worker/inference/session.ts';

const milliseconds = Number(process.env.BENCH_DEVICE_MS);
const clock = new Int32Array(new SharedArrayBuffer(4));

export const openSession: typeof openRealSession = async (graph, device, exact) => {
  const real = await openRealSession(graph, device, exact);
  let learnt: Uint8Array | undefined;
  return {
    async run(input, shape, output) {
      if (learnt?.length !== output.length) {
        await real.run(input, shape, output);
        // The warm-up's picture is black; the first one that is not is worth keeping.
        if (input.some((byte) => byte !== 0)) learnt = output.slice();
        return;
      }
      Atomics.wait(clock, 0, 0, milliseconds);
      output.set(learnt);
    },
    release: () => real.release(),
  } satisfies Session;
};
