/**
 * What a receiver gets: the job as GET /v1/jobs/{id} shows it, but for the link to the picture that was sent, signed as
 * Standard Webhooks has it. The id stays the same however often a delivery is repeated; time, signature and the links to
 * results are those of the attempt.
 */
import { Webhook } from 'standardwebhooks';
import { jobView, type ResultLinks } from '../../shared/job-view.ts';
import type { Delivery } from '../../shared/webhook.ts';

export async function messageBody(
  { event, job, created_at }: Delivery,
  results: ResultLinks,
  linkSeconds: number,
): Promise<string> {
  const data = await jobView(job, job.webhook?.api ?? '', results, linkSeconds);
  return JSON.stringify({ type: event, timestamp: created_at, data });
}

/** @param secrets base64, each of which signs: a receiver that knows any one of them can check the message */
export function messageHeaders(id: string, body: string, secrets: readonly string[], now: Date) {
  return {
    'content-type': 'application/json',
    'user-agent': 'outboard/0.1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
  };
}
