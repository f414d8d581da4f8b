/** The workers that are there now. */
import type { FleetWorker } from '../api.ts';
import { formatAgo, formatDateTime, titleCase } from '../format.ts';

interface WorkersProps {
  readonly workers: readonly FleetWorker[];
  /** Whether something starts workers as they are needed. */
  readonly ordered: boolean;
}

export function WorkersTable({ workers, ordered }: WorkersProps) {
  return (
    <section class="block" aria-labelledby="workers">
      <h2 id="workers">Workers</h2>
      {workers.length === 0 ? (
        <p class="note">
          {ordered
            ? 'None, and none is paid for. The next job starts one.'
            : 'None has been heard from in the last 30 seconds. Jobs wait until one is started.'}
        </p>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col">Device</th>
              <th scope="col">Jobs in hand</th>
              <th scope="col">Models loaded</th>
              <th scope="col">Started</th>
            </tr>
          </thead>
          <tbody>
            {workers.map(({ id, state, device, busy, places, models, started_at }) => (
              <tr key={id}>
                <th scope="row" class="is-code">
                  {id}
                </th>
                <td data-label="State">
                  <span class={`badge is-${state}`}>
                    <span class="badge-dot" />
                    {titleCase(state)}
                  </span>
                </td>
                <td data-label="Device">{device.toUpperCase()}</td>
                <td data-label="Jobs in hand">
                  <span class="places">
                    <meter class="visually-hidden" min={0} max={places} value={busy}>
                      {busy} of {places}
                    </meter>
                    <span class="places-boxes" aria-hidden="true">
                      {Array.from({ length: Math.min(places, 16) }, (_, place) => (
                        <span key={place} class={place < busy ? 'place is-busy' : 'place'} />
                      ))}
                    </span>
                    {busy} of {places}
                  </span>
                </td>
                <td data-label="Models loaded" class="is-code">
                  {models.length === 0 ? 'none' : models.join(', ')}
                </td>
                <td data-label="Started">
                  <time dateTime={started_at} title={formatDateTime(started_at)}>
                    {formatAgo(started_at)}
                  </time>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
