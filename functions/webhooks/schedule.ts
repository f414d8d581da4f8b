/**
 * When the next attempt is made: soon after a first failure, at most three hours apart, the last one a day after the
 * event. Jitter keeps the deliveries that one outage held up from coming back all at once.
 */
const SECONDS = [5, 30, 120, 300, 900, 1_800, 3_600, 7_200, 10_800] as const;
/** Each wait is this much shorter or longer, at most. */
const JITTER = 0.2;
/** A receiver may ask for more patience, not for more than this. */
const LONGEST_RETRY_AFTER_S = 21_600;

interface Failed {
  /** Of this delivery in a row, the one just seen included. */
  readonly failures: number;
  readonly now: Date;
  readonly giveUpAt: Date;
  /** What a receiver that answered 429 or 503 sent: seconds or a date. */
  readonly retryAfter?: string | undefined;
  /** Between 0 and 1. */
  readonly random: number;
}

/** @returns undefined where that was the last attempt */
export function nextAttempt({ failures, now, giveUpAt, retryAfter, random }: Failed): Date | undefined {
  if (now >= giveUpAt) return undefined;
  const base = SECONDS[Math.min(failures, SECONDS.length) - 1] ?? SECONDS[0];
  const jittered = base * (1 - JITTER + 2 * JITTER * random);
  const asked = Math.min(retryAfterSeconds(retryAfter, now), LONGEST_RETRY_AFTER_S);
  const at = now.getTime() + Math.round(Math.max(jittered, asked) * 1000);
  // What would come too late comes at the last moment instead.
  return new Date(Math.min(at, giveUpAt.getTime()));
}

/** 0 where nothing was asked that can be read. */
function retryAfterSeconds(text: string | undefined, now: Date): number {
  if (text === undefined) return 0;
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, (at - now.getTime()) / 1000);
}
