/** What an answer means for a delivery: it is over, it is tried again, or it is given up. */
import type { Verdict } from '../../shared/aws/delivery-store.ts';
import type { PostAnswer } from '../../shared/net/post.ts';
import type { AttemptReason, Delivery } from '../../shared/webhook.ts';
import { nextAttempt } from './schedule.ts';

/** @returns undefined where the receiver took it */
export function reasonOf(answer: PostAnswer): AttemptReason | undefined {
  if (answer.status === undefined) return answer.failure;
  const { status } = answer;
  if (status >= 200 && status < 300) return undefined;
  if (status === 410) return 'gone';
  return status >= 300 && status < 400 ? 'redirect' : 'bad_status';
}

/** @param random between 0 and 1, for the jitter */
export function verdictOn(
  answer: PostAnswer,
  { failures, give_up_at: giveUpAt }: Pick<Delivery, 'failures' | 'give_up_at'>,
  now: Date,
  random: number,
): Verdict {
  const reason = reasonOf(answer);
  if (reason === undefined) return { kind: 'delivered' };
  // The receiver's own will, and an address that we refuse: neither changes by waiting, and neither wants an operator.
  if (reason === 'gone' || reason === 'forbidden') return { kind: 'failed', dead: false };
  const asksForTime = answer.status === 429 || answer.status === 503;
  const at = nextAttempt({
    failures: failures + 1,
    now,
    giveUpAt: new Date(giveUpAt),
    retryAfter: asksForTime ? answer.retryAfter : undefined,
    random,
  });
  return at === undefined ? { kind: 'failed', dead: true } : { kind: 'retry', at };
}
