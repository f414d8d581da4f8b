/** Two small charts of jobs over time, as plain SVG. What they say is also said in words. */
import { formatClock, formatDuration, plural } from '../format.ts';
import { type Bucket, type Ended, quantile, type Span } from './statistics.ts';

const WIDTH = 560;
const HEIGHT = 168;
const LEFT = 48;
const BOTTOM = 22;
const TOP = 10;
const plot = { width: WIDTH - LEFT - 8, height: HEIGHT - TOP - BOTTOM };

/** A round figure at or above the largest value, so that the axis can be read. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

interface AxesProps {
  readonly span: Span;
  readonly most: number;
  readonly word: (value: number) => string;
}

function Axes({ span, most, word }: AxesProps) {
  return (
    <g class="axes">
      {[0, 0.5, 1].map((part) => {
        const y = TOP + plot.height * (1 - part);
        return (
          <g key={part}>
            <line x1={LEFT} x2={LEFT + plot.width} y1={y} y2={y} />
            <text x={LEFT - 8} y={y} text-anchor="end" dominant-baseline="middle">
              {word(most * part)}
            </text>
          </g>
        );
      })}
      {[0, 0.5, 1].map((part) => (
        <text
          key={part}
          x={LEFT + plot.width * part}
          y={HEIGHT - 4}
          text-anchor={part === 0 ? 'start' : part === 1 ? 'end' : 'middle'}
        >
          {part === 1 ? 'now' : formatClock(span.from + (span.to - span.from) * part)}
        </text>
      ))}
    </g>
  );
}

export function ThroughputChart({
  buckets,
  span,
}: {
  readonly buckets: readonly Bucket[];
  readonly span: Span;
}) {
  const most = roundUp(Math.max(2, ...buckets.map(({ succeeded, failed }) => succeeded + failed)));
  const width = plot.width / buckets.length;
  const sum = buckets.reduce((total, { succeeded, failed }) => total + succeeded + failed, 0);
  const bad = buckets.reduce((total, { failed }) => total + failed, 0);
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${plural(sum, 'job')} ended, ${bad} of them badly`}
    >
      <Axes span={span} most={most} word={(value) => String(value)} />
      {buckets.map(({ from, succeeded, failed }, index) => {
        const x = LEFT + index * width + width * 0.15;
        const good = (succeeded / most) * plot.height;
        const failing = (failed / most) * plot.height;
        return (
          <g key={from}>
            {succeeded > 0 && (
              <rect
                class="chart-good"
                x={x}
                y={TOP + plot.height - good}
                width={width * 0.7}
                height={good}
                rx={1.5}
              >
                <title>{`${formatClock(from)}: ${succeeded} succeeded`}</title>
              </rect>
            )}
            {failed > 0 && (
              <rect
                class="chart-bad"
                x={x}
                y={TOP + plot.height - good - failing}
                width={width * 0.7}
                height={failing}
                rx={1.5}
              >
                <title>{`${formatClock(from)}: ${failed} failed`}</title>
              </rect>
            )}
          </g>
        );
      })}
    </svg>
  );
}

export function LatencyChart({ ended, span }: { readonly ended: readonly Ended[]; readonly span: Span }) {
  const good = ended.filter(({ succeeded, at }) => succeeded && at >= span.from);
  const times = good.map(({ tookMs }) => tookMs);
  const half = quantile(times, 0.5) ?? 0;
  const nearlyAll = quantile(times, 0.95) ?? 0;
  // One straggler must not flatten all others: it sits at the upper edge.
  const most = roundUp(Math.max(100, nearlyAll * 1.3));
  const y = (ms: number) => TOP + plot.height * (1 - Math.min(1, ms / most));
  const words = `Half within ${formatDuration(half)}, 95 % within ${formatDuration(nearlyAll)}`;
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
      <Axes span={span} most={most} word={(value) => (value === 0 ? '0' : formatDuration(value))} />
      <line class="chart-line" x1={LEFT} x2={LEFT + plot.width} y1={y(half)} y2={y(half)} />
      <line class="chart-line is-weak" x1={LEFT} x2={LEFT + plot.width} y1={y(nearlyAll)} y2={y(nearlyAll)} />
      {good.map(({ id, at, tookMs }) => (
        <circle
          key={id}
          class="chart-dot"
          cx={LEFT + ((at - span.from) / (span.to - span.from)) * plot.width}
          cy={y(tookMs)}
          r={2.8}
        >
          <title>{`${formatClock(at)}: ${formatDuration(tookMs)}`}</title>
        </circle>
      ))}
    </svg>
  );
}
