/** Where the time of a job went: a bar with one part a phase, and the figures below it where there is room. */
import { formatDuration } from '../format.ts';
import { phasesOf } from './job-words.ts';

interface TimingsProps {
  readonly timings: Readonly<Record<string, number>>;
  readonly withFigures?: boolean;
}

export function TimingsBar({ timings, withFigures = false }: TimingsProps) {
  const phases = phasesOf(timings);
  const sum = phases.reduce((total, { milliseconds }) => total + milliseconds, 0);
  if (sum === 0) return null;
  const words = phases
    .map(({ label, milliseconds }) => `${label} ${formatDuration(milliseconds)}`)
    .join(', ');
  return (
    <div class="timings">
      <div class="timings-bar" role="img" aria-label={words} title={words}>
        {phases.map(({ name, milliseconds }) => (
          <span key={name} class={`timings-part is-${name}`} style={{ flexGrow: milliseconds / sum }} />
        ))}
      </div>
      {withFigures && (
        <dl class="timings-figures">
          {phases.map(({ name, label, milliseconds }) => (
            <div key={name}>
              <dt>
                <span class={`timings-key is-${name}`} />
                {label}
              </dt>
              <dd>{formatDuration(milliseconds)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
