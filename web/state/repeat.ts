/**
 * Looking again and again while somebody can see it: pauses in a hidden tab, backs off while the API is away, and is back
 * at once when the tab is.
 */
import { useEffect } from 'preact/hooks';
import { isFinal } from '../api.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

/** Resolves at once where the tab can be seen. */
export async function untilVisible(signal: AbortSignal): Promise<void> {
  while (document.visibilityState === 'hidden') {
    await new Promise<void>((resolve) => {
      document.addEventListener('visibilitychange', () => resolve(), { once: true, signal });
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    signal.throwIfAborted();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    signal.addEventListener('abort', done, { once: true });
    addEventListener('online', done, { once: true, signal });
  });
}

/**
 * @param look one look; answers with the milliseconds until the next one. @throws what `failed` is told.
 * @param failed what went wrong; an error that is final ends the looking
 * @param inputs begins anew when one of these changes
 */
export function useRepeated(
  look: (signal: AbortSignal) => Promise<number>,
  failed: (error: unknown) => void,
  inputs: readonly unknown[],
): void {
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const run = async () => {
      for (let failures = 0; !signal.aborted; ) {
        try {
          await untilVisible(signal);
          const next = await look(signal);
          failures = 0;
          await pause(next, signal);
        } catch (error) {
          if (signal.aborted) return;
          failed(error);
          if (isFinal(error)) return;
          await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures), signal);
          failures += 1;
        }
      }
    };
    void run();
    return () => controller.abort();
  }, inputs);
}
