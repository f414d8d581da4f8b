/** What CloudWatch is told of a worker: counts and times since the last line, and nothing while nothing happens. */
import { expect, it } from 'vitest';
import { CloudMetrics } from '../../gpu-worker/cloud-metrics.ts';
import { silent } from '../job/services.ts';

const now = new Date('2026-03-02T08:00:00Z');

function setup() {
  const lines: Record<string, unknown>[] = [];
  const log = { ...silent, info: (fields: unknown) => void lines.push(fields as Record<string, unknown>) };
  return { lines, metrics: new CloudMetrics({ stage: 'prod', log }) };
}

it('tells what has happened since the last line, in the embedded metric format', () => {
  const { lines, metrics } = setup();
  metrics.count('succeeded', { queue_ms: 40, compute_ms: 900 });
  metrics.count('succeeded', { queue_ms: 60 });
  metrics.count('failed');
  metrics.count('skipped');
  metrics.countLoadFailure();
  metrics.flush(now);
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: now.getTime(),
        CloudWatchMetrics: [
          {
            Namespace: 'Outboard',
            Dimensions: [['Stage']],
            Metrics: [
              { Name: 'JobsSucceeded', Unit: 'Count' },
              { Name: 'JobsFailed', Unit: 'Count' },
              { Name: 'ModelLoadFailures', Unit: 'Count' },
              { Name: 'QueueMilliseconds', Unit: 'Milliseconds' },
              { Name: 'ComputeMilliseconds', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      Stage: 'prod',
      JobsSucceeded: 2,
      JobsFailed: 1,
      ModelLoadFailures: 1,
      QueueMilliseconds: [40, 60],
      ComputeMilliseconds: [900],
    },
  ]);
});

it('says nothing while nothing happens: an idle stage must not pay for metrics', () => {
  const { lines, metrics } = setup();
  metrics.flush(now);
  metrics.count('succeeded');
  metrics.flush(now);
  metrics.flush(now);
  expect(lines).toHaveLength(1);
});

it('keeps what does not fit into one line for the next', () => {
  const { lines, metrics } = setup();
  for (let job = 0; job < 130; job += 1) metrics.count('succeeded', { total_ms: job });
  metrics.flush(now);
  metrics.flush(now);
  metrics.flush(now);
  expect(lines.map(({ TotalMilliseconds }) => (TotalMilliseconds as number[]).length)).toEqual([100, 30]);
  expect(lines.map(({ JobsSucceeded }) => JobsSucceeded)).toEqual([130, undefined]);
});
