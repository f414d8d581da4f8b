/** Detections over their picture: boxes that stay sharp at any zoom, a score below which they are hidden, and a list. */
import { useMemo, useState } from 'preact/hooks';
import type { Detection } from '../api.ts';
import { formatPercent } from '../format.ts';
import { Frame, PlacedPicture } from './frame.tsx';
import type { Size } from './geometry.ts';
import { useViewport } from './use-viewport.ts';

interface BoxesProps {
  readonly detections: readonly Detection[];
  /** Of the upright input: the boxes are in its pixels. */
  readonly size: Size;
  /** A reduced copy will do; without one the boxes are shown alone. */
  readonly picture: string | undefined;
  /** What the job itself left out. */
  readonly leastScore: number;
  readonly name: string;
}

/** Steps of hue that keep neighbours apart. */
const hueOf = (classId: number): number => Math.round((classId * 137.508 + 195) % 360);
const LARGEST_FIT = 8;

export function Boxes({ detections, size, picture, leastScore, name }: BoxesProps) {
  const [threshold, setThreshold] = useState(leastScore);
  const [hiddenClasses, hideClasses] = useState<ReadonlySet<string>>(new Set());
  const [lit, light] = useState<number>();
  const viewport = useViewport(size, LARGEST_FIT);

  const classes = useMemo(() => countByClass(detections), [detections]);
  const shown = detections
    .map((detection, index) => ({ ...detection, index }))
    .filter(({ score, label }) => score >= threshold && !hiddenClasses.has(label));

  const toggle = (label: string) => {
    const next = new Set(hiddenClasses);
    if (!next.delete(label)) next.add(label);
    hideClasses(next);
  };

  return (
    <div class="split">
      <Frame viewport={viewport} label={`${name}: ${shown.length} of ${detections.length} boxes shown`}>
        {picture === undefined ? (
          <div class="frame-wait is-low">
            The picture itself cannot be shown here, so these are its boxes alone.
          </div>
        ) : (
          <PlacedPicture src={picture} alt={name} size={size} placement={viewport.placement} />
        )}
        {viewport.placement !== undefined &&
          shown.map(({ index, label, class_id, score, box }) => (
            <div
              key={index}
              class={lit === index ? 'box is-lit' : 'box'}
              data-label={label}
              style={{
                '--hue': hueOf(class_id),
                left: `${(viewport.placement?.x ?? 0) + box.x * (viewport.placement?.scale ?? 1)}px`,
                top: `${(viewport.placement?.y ?? 0) + box.y * (viewport.placement?.scale ?? 1)}px`,
                width: `${box.width * (viewport.placement?.scale ?? 1)}px`,
                height: `${box.height * (viewport.placement?.scale ?? 1)}px`,
              }}
            >
              <span class="box-label">
                {label} {formatPercent(score)}
              </span>
            </div>
          ))}
      </Frame>
      <aside class="findings" aria-label="Detections">
        <div class="field">
          <span class="field-head">
            <label class="field-label" for="least-score">
              Least score
            </label>
            <output for="least-score">{formatPercent(threshold)}</output>
          </span>
          <input
            id="least-score"
            type="range"
            min={leastScore}
            max={1}
            step={0.01}
            value={threshold}
            aria-valuetext={formatPercent(threshold)}
            onInput={({ currentTarget }) => setThreshold(Number(currentTarget.value))}
          />
        </div>
        <p class="note" role="status">
          {shown.length} of {detections.length} shown
        </p>
        {classes.length > 1 && (
          <fieldset class="chips">
            <legend class="visually-hidden">Classes</legend>
            {classes.map(({ label, classId, count }) => (
              <label key={label} class="chip" style={{ '--hue': hueOf(classId) }}>
                <input type="checkbox" checked={!hiddenClasses.has(label)} onChange={() => toggle(label)} />
                <span class="swatch" />
                {label} <span class="count">{count}</span>
              </label>
            ))}
          </fieldset>
        )}
        {shown.length === 0 ? (
          <p class="note">Nothing has a score this high. Move the slider to the left to see more.</p>
        ) : (
          <ol class="finding-list">
            {shown.map(({ index, label, class_id, score, box }) => (
              <li
                key={index}
                class="finding"
                style={{ '--hue': hueOf(class_id) }}
                onPointerEnter={() => light(index)}
                onPointerLeave={() => light(undefined)}
              >
                <span class="swatch" />
                <span class="finding-label">{label}</span>
                <span class="finding-place">
                  {Math.round(box.width)}×{Math.round(box.height)}
                </span>
                <span class="finding-score">{formatPercent(score)}</span>
              </li>
            ))}
          </ol>
        )}
      </aside>
    </div>
  );
}

function countByClass(detections: readonly Detection[]) {
  const classes = new Map<string, { label: string; classId: number; count: number }>();
  for (const { label, class_id: classId } of detections) {
    const known = classes.get(label);
    if (known === undefined) classes.set(label, { label, classId, count: 1 });
    else known.count += 1;
  }
  return [...classes.values()].sort((a, b) => b.count - a.count);
}
