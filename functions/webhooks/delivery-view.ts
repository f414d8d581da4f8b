/** A delivery as its tenant sees it. */
import { attemptReasons, type Delivery } from '../../shared/webhook.ts';

export function deliveryView(delivery: Delivery, baseUrl: string) {
  const { delivery_id: id, event, url, state, created_at, next_attempt_at, attempts, job } = delivery;
  return {
    id,
    event,
    url,
    state,
    created_at,
    next_attempt_at,
    attempts: attempts.toReversed().map((attempt) => ({
      ...attempt,
      message: attempt.reason === undefined ? undefined : attemptReasons[attempt.reason],
    })),
    links: { redeliver: `${baseUrl}/v1/jobs/${job.id}/deliveries/${id}/redeliver` },
  };
}
