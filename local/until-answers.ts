/** Waits until something answers HTTP at a URL, with any status below 500. */
import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 100;

/** @throws after `timeoutMs` milliseconds */
export async function untilAnswers(url: string, timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined && answer.status < 500) return;
    await sleep(EVERY_MS);
  }
  throw new Error(`Nothing answered at ${url} within ${timeoutMs} ms.`);
}
