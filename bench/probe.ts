/**
 * Loaded into the worker's process before its own code (`node --import`): answers what that process has spent and how
 * late its main thread's timers came since the last question. The worker itself knows nothing of it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { answerWith } from './child.ts';

export interface Reading {
  /** CPU of all threads since the process began, ms. */
  readonly cpuMs: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

/** The histogram counts the timer's own interval too. */
const RESOLUTION_MS = 1;

if (isMainThread && process.send !== undefined) {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  loop.enable();
  answerWith((): Reading => {
    const { user, system } = process.cpuUsage();
    const delay = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    const reading = {
      cpuMs: (user + system) / 1000,
      loopP99Ms: delay(loop.percentile(99)),
      loopMaxMs: delay(loop.max),
    };
    loop.reset();
    return reading;
  });
  // The channel must not keep a worker alive that has drained.
  process.channel?.unref();
}
