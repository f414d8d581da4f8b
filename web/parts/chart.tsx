/** The ground of a small chart over time: axes, and room for marks. As wide as its place, so that words keep their size. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatClock } from '../format.ts';
import type { Span } from './statistics.ts';

const HEIGHT = 184;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
const FIRST_WIDTH = 480;

interface Plot {
  readonly left: number;
  readonly width: number;
  /** The y of a value. */
  y(value: number): number;
  /** The x of a time. */
  x(at: number): number;
}

interface ChartProps {
  readonly span: Span;
  /** The value at the upper edge. */
  readonly most: number;
  readonly word: (value: number) => string;
  /** What the chart says, in a sentence. */
  readonly label: string;
  readonly children: (plot: Plot) => ComponentChildren;
}

export function Chart({ span, most, word, label, children }: ChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? FIRST_WIDTH));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);

  const plotWidth = Math.max(1, width - LEFT - RIGHT);
  const plot: Plot = {
    left: LEFT,
    width: plotWidth,
    y: (value) => TOP + PLOT_HEIGHT * (1 - Math.min(1, value / most)),
    x: (at) => LEFT + ((at - span.from) / (span.to - span.from)) * plotWidth,
  };
  const parts = [0, 0.5, 1];
  return (
    <div ref={element} class="chart">
      <svg width={width} height={HEIGHT} role="img" aria-label={label}>
        {parts.map((part) => (
          <g key={part} class="axes">
            <line x1={LEFT} x2={LEFT + plotWidth} y1={plot.y(most * part)} y2={plot.y(most * part)} />
            <text x={LEFT - 8} y={plot.y(most * part)} text-anchor="end" dominant-baseline="middle">
              {word(most * part)}
            </text>
            <text
              x={LEFT + plotWidth * part}
              y={HEIGHT - 4}
              text-anchor={part === 0 ? 'start' : part === 1 ? 'end' : 'middle'}
            >
              {part === 1 ? 'now' : formatClock(span.from + (span.to - span.from) * part)}
            </text>
          </g>
        ))}
        {children(plot)}
      </svg>
    </div>
  );
}
