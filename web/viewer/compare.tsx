/**
 * Two pictures of one size, one on each side of a divider: the bicubic enlargement and the network's. The divider stays in
 * the frame while the picture moves below it.
 */
import { useState } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { Frame, PlacedPicture } from './frame.tsx';
import type { Size } from './geometry.ts';
import { useViewport } from './use-viewport.ts';

interface CompareProps {
  readonly before: string;
  readonly after: string;
  readonly size: Size;
  /** How many times larger than the input. */
  readonly factor: number;
  readonly name: string;
  /** A link that no longer works, say. */
  readonly onError: () => void;
}

const STEP = 2;
const LARGE_STEP = 10;

export function Compare({ before, after, size, factor, name, onError }: CompareProps) {
  /** Percent of the frame's width. */
  const [divider, setDivider] = useState(50);
  const [loaded, setLoaded] = useState(0);
  const moveTo = (percent: number) => setDivider(Math.min(100, Math.max(0, percent)));
  const viewport = useViewport(size, 1, (x, width) => moveTo((x / width) * 100));
  const arrived = () => setLoaded((count) => count + 1);

  const keys: Readonly<Record<string, number>> = {
    ArrowLeft: divider - STEP,
    ArrowDown: divider - STEP,
    ArrowRight: divider + STEP,
    ArrowUp: divider + STEP,
    PageDown: divider - LARGE_STEP,
    PageUp: divider + LARGE_STEP,
    Home: 0,
    End: 100,
  };

  const drag = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    event.stopPropagation();
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = viewport.frame.current?.getBoundingClientRect();
    if (box !== undefined) moveTo(((event.clientX - box.left) / box.width) * 100);
  };

  return (
    <Frame viewport={viewport} label={`${name}: bicubic on the left, enlarged on the right`}>
      <div class="side">
        <PlacedPicture
          src={before}
          alt="Bicubic enlargement"
          size={size}
          placement={viewport.placement}
          onLoad={arrived}
          onError={onError}
        />
      </div>
      <div class="side is-after" style={{ clipPath: `inset(0 0 0 ${divider}%)` }}>
        <PlacedPicture
          src={after}
          alt={`Enlarged ${factor} times`}
          size={size}
          placement={viewport.placement}
          onLoad={arrived}
          onError={onError}
        />
      </div>
      {loaded < 2 && <div class="frame-wait">Fetching both pictures…</div>}
      <span class="side-name is-left" hidden={divider < 12} style={{ left: `${divider}%` }}>
        Bicubic
      </span>
      <span class="side-name is-right" hidden={divider > 86} style={{ left: `${divider}%` }}>
        Outboard ×{factor}
      </span>
      <div
        class="divider"
        role="slider"
        tabIndex={0}
        aria-label="Divider between bicubic and enlarged"
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(divider)}
        aria-valuetext={`${Math.round(divider)} % bicubic`}
        style={{ left: `${divider}%` }}
        onKeyDown={(event) => {
          const next = keys[event.key];
          if (next === undefined) return;
          event.preventDefault();
          moveTo(next);
        }}
        onPointerDown={(event) => {
          event.stopPropagation();
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={drag}
        onDblClick={(event) => {
          event.stopPropagation();
          moveTo(50);
        }}
      >
        <span class="divider-grip">
          <Icon name="grip" />
        </span>
      </div>
    </Frame>
  );
}
