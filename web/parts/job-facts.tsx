/** The plain facts of a job: what was asked, what ran, where the time went. */
import type { Job } from '../api.ts';
import { formatDateTime, formatDuration, formatNumber, titleCase } from '../format.ts';
import { matters } from './schema.ts';
import { TimingsBar } from './timings-bar.tsx';

export function JobFacts({ job }: { readonly job: Job }) {
  const { timings, output } = job;
  return (
    <aside class="facts" aria-label="Facts">
      {timings !== undefined && (
        <section>
          <h2>
            Time{' '}
            <span class="facts-sum">{formatDuration((timings.queue_ms ?? 0) + (timings.total_ms ?? 0))}</span>
          </h2>
          <TimingsBar timings={timings} withFigures />
        </section>
      )}
      {output !== undefined && (
        <section>
          <h2>Picture</h2>
          <dl class="pairs">
            <Pair name="Input" value={`${sizeOf(output.input)} ${output.input.format.toUpperCase()}`} />
            {'width' in output && <Pair name="Output" value={sizeOf(output)} />}
            {'width' in output && (
              <Pair name="Megapixels" value={((output.width * output.height) / 1e6).toFixed(1)} />
            )}
            {output.input.pages > 1 && (
              <Pair name="Pages" value={`first of ${formatNumber(output.input.pages)}`} />
            )}
          </dl>
        </section>
      )}
      <section>
        <h2>Request</h2>
        <dl class="pairs">
          <Pair name="Model" value={job.model_version ?? job.model} />
          {Object.entries(job.parameters)
            .filter(([name]) => matters(name, job.parameters))
            .map(([name, value]) => (
              <Pair key={name} name={titleCase(name)} value={wordOf(value)} />
            ))}
        </dl>
      </section>
      <section>
        <h2>Run</h2>
        <dl class="pairs">
          <Pair name="Accepted" value={formatDateTime(job.created_at)} />
          {job.finished_at !== undefined && <Pair name="Ended" value={formatDateTime(job.finished_at)} />}
          <Pair name="Attempt" value={`${job.attempt} of ${job.max_attempts}`} />
          {job.cache === 'hit' && <Pair name="Answer" value="stored before" />}
          <Pair name="Id" value={job.id} />
        </dl>
      </section>
    </aside>
  );
}

const Pair = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

const sizeOf = ({ width, height }: { readonly width: number; readonly height: number }): string =>
  `${width}×${height}`;

const wordOf = (value: unknown): string =>
  typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
