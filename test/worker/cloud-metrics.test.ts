/** What CloudWatch is told of a worker: counts and times since the last line, and nothing while nothing happens. */
import { expect, it } from 'vitest';
import { CloudMetrics } from '../../gpu-worker/cloud-metrics.ts';
import { silent } from '../job/services.ts';

const now = new Date('2026-03-02T08:00:00Z');

function setup(more: Partial<ConstructorParameters<typeof CloudMetrics>[0]> = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = { ...silent, info: (fields: unknown) => void lines.push(fields as Record<string, unknown>) };
  return { lines, metrics: new CloudMetrics({ stage: 'prod', log, ...more }) };
}

it('tells what has happened since the last line, in the embedded metric format, for the stage and by model', () => {
  const { lines, metrics } = setup();
  metrics.count({ result: 'succeeded', model: 'm@1', timings: { queue_ms: 40, compute_ms: 900 } });
  metrics.count({ result: 'succeeded', model: 'm@1', timings: { queue_ms: 60 }, settleMs: 2.345 });
  metrics.count({ result: 'failed', model: 'm@1', reason: 'input' });
  metrics.count({ result: 'skipped' });
  metrics.countLoadFailure();
  metrics.flush(now);
  const line = (dimensions: string[][], names: Record<string, string>) => ({
    Timestamp: now.getTime(),
    CloudWatchMetrics: [
      {
        Namespace: 'Outboard',
        Dimensions: dimensions,
        Metrics: Object.entries(names).map(([Name, Unit]) => ({ Name, Unit })),
      },
    ],
  });
  expect(lines).toEqual([
    {
      _aws: line([['Stage'], ['Stage', 'Model']], {
        JobsSucceeded: 'Count',
        JobsFailed: 'Count',
        FailuresInput: 'Count',
        QueueMilliseconds: 'Milliseconds',
        ComputeMilliseconds: 'Milliseconds',
        SettleMilliseconds: 'Milliseconds',
      }),
      Stage: 'prod',
      Model: 'm@1',
      JobsSucceeded: 2,
      JobsFailed: 1,
      FailuresInput: 1,
      QueueMilliseconds: [40, 60],
      ComputeMilliseconds: [900],
      SettleMilliseconds: [2.35],
    },
    {
      _aws: line([['Stage']], { ModelLoadFailures: 'Count' }),
      Stage: 'prod',
      ModelLoadFailures: 1,
    },
  ]);
});

it('tells how full batches were, what waited longest in each, and what was stored before', () => {
  const { lines, metrics } = setup();
  metrics.countRun({ items: 2, size: 8, waitMs: [4, 9] });
  metrics.countRun({ items: 8, size: 8, waitMs: [1] });
  metrics.count({ result: 'succeeded', model: 'm@1', cache: 'hit' });
  metrics.count({ result: 'succeeded', model: 'm@1', cache: 'miss' });
  metrics.flush(now);
  expect(Object.assign({}, ...lines)).toMatchObject({
    BatchFillPercent: [25, 100],
    BatchWaitMilliseconds: [9, 1],
    StoredAnswerHits: 1,
    StoredAnswerMisses: 1,
  });
});

it('says nothing while nothing happens: an idle stage must not pay for metrics', () => {
  const { lines, metrics } = setup({ gauges: () => ({ ModelMemoryBytes: [1, 'Bytes'] }) });
  metrics.flush(now);
  metrics.count({ result: 'succeeded' });
  metrics.flush(now);
  metrics.flush(now);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({ ModelMemoryBytes: 1 });
});

it('keeps what does not fit into one line for the next', () => {
  const { lines, metrics } = setup();
  for (let job = 0; job < 130; job += 1) metrics.count({ result: 'succeeded', timings: { total_ms: job } });
  metrics.flush(now);
  metrics.flush(now);
  metrics.flush(now);
  expect(lines.map(({ TotalMilliseconds }) => (TotalMilliseconds as number[]).length)).toEqual([100, 30]);
  expect(lines.map(({ JobsSucceeded }) => JobsSucceeded)).toEqual([130, undefined]);
});
