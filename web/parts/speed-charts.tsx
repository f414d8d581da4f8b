/** How many jobs ended when, and how long each took. */
import { formatClock, formatDuration, plural } from '../format.ts';
import { Chart } from './chart.tsx';
import { type Bucket, type Ended, quantile, type Span } from './statistics.ts';

interface ThroughputProps {
  readonly buckets: readonly Bucket[];
  readonly span: Span;
}

export function ThroughputChart({ buckets, span }: ThroughputProps) {
  const most = roundUp(
    Math.max(...buckets.map(({ succeeded, failed }) => succeeded + failed)),
    [2, 4, 6, 10, 20],
  );
  const sum = buckets.reduce((total, { succeeded, failed }) => total + succeeded + failed, 0);
  const bad = buckets.reduce((total, { failed }) => total + failed, 0);
  return (
    <Chart span={span} most={most} word={String} label={`${plural(sum, 'job')} ended, ${bad} of them badly`}>
      {({ x, y, width }) =>
        buckets.map(({ from, succeeded, failed }) => {
          const bar = { x: x(from) + 1, width: Math.max(1, width / buckets.length - 2), rx: 1.5 };
          return (
            <g key={from}>
              <title>{`${formatClock(from)}: ${succeeded} succeeded, ${failed} failed`}</title>
              <rect class="chart-good" {...bar} y={y(succeeded)} height={y(0) - y(succeeded)} />
              <rect
                class="chart-bad"
                {...bar}
                y={y(succeeded + failed)}
                height={y(succeeded) - y(succeeded + failed)}
              />
            </g>
          );
        })
      }
    </Chart>
  );
}

interface LatencyProps {
  readonly ended: readonly Ended[];
  readonly span: Span;
}

export function LatencyChart({ ended, span }: LatencyProps) {
  const good = ended.filter(({ succeeded, at }) => succeeded && at >= span.from);
  const times = good.map(({ tookMs }) => tookMs);
  const half = quantile(times, 0.5) ?? 0;
  const nearlyAll = quantile(times, 0.95) ?? 0;
  // One straggler must not flatten all others: it sits at the upper edge.
  const most = roundUp(Math.max(100, nearlyAll * 1.3), [1, 2, 4, 6, 10]);
  const words = `Half within ${formatDuration(half)}, 95 % within ${formatDuration(nearlyAll)}`;
  return (
    <Chart
      span={span}
      most={most}
      word={(value) => (value === 0 ? '0' : formatDuration(value))}
      label={words}
    >
      {({ x, y, left, width }) => (
        <>
          <line class="chart-line" x1={left} x2={left + width} y1={y(half)} y2={y(half)} />
          <line class="chart-line is-weak" x1={left} x2={left + width} y1={y(nearlyAll)} y2={y(nearlyAll)} />
          {good.map(({ id, at, tookMs }) => (
            <circle key={id} class="chart-dot" cx={x(at)} cy={y(tookMs)} r={3}>
              <title>{`${formatClock(at)}: ${formatDuration(tookMs)}`}</title>
            </circle>
          ))}
        </>
      )}
    </Chart>
  );
}

/** A round figure at or above a value, so that the axis and its half can be read. */
function roundUp(value: number, steps: readonly number[]): number {
  const largest = steps.at(-1) ?? 10;
  let power = 1;
  while (largest * power < value) power *= 10;
  return (steps.find((step) => step * power >= value) ?? largest) * power;
}
