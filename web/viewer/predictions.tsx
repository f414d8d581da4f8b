/** Classes as bars, best first, beside the picture they are about. */
import type { Prediction } from '../api.ts';
import { formatPercent } from '../format.ts';
import { Frame, PlacedPicture } from './frame.tsx';
import type { Size } from './geometry.ts';
import { useViewport } from './use-viewport.ts';

interface PredictionsProps {
  readonly predictions: readonly Prediction[];
  readonly size: Size;
  readonly picture: string | undefined;
  readonly name: string;
}

const LARGEST_FIT = 8;

export function Predictions({ predictions, size, picture, name }: PredictionsProps) {
  const viewport = useViewport(size, LARGEST_FIT);
  return (
    <div class="split">
      <Frame viewport={viewport} label={name}>
        {picture === undefined ? (
          <div class="frame-wait">The picture itself cannot be shown here.</div>
        ) : (
          <PlacedPicture src={picture} alt={name} size={size} placement={viewport.placement} />
        )}
      </Frame>
      <aside class="findings" aria-label="Predictions">
        <ol class="bars">
          {predictions.map(({ label, class_id, score }) => (
            <li key={class_id} class="bar">
              <span class="bar-label">{label}</span>
              <span class="bar-score">{formatPercent(score)}</span>
              <span class="bar-track">
                <span class="bar-fill" style={{ width: `${score * 100}%` }} />
              </span>
            </li>
          ))}
        </ol>
      </aside>
    </div>
  );
}
