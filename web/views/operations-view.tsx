/** The stage at a glance: what waits, who works, what is served, and how fast it has been. */
import { useState } from 'preact/hooks';
import { explain, type Fleet, outboard } from '../api.ts';
import { formatDuration, formatNumber, formatPercent, plural } from '../format.ts';
import { phasesOf } from '../parts/job-words.ts';
import { Message } from '../parts/message.tsx';
import { ModelsTable } from '../parts/models-table.tsx';
import { LatencyChart, ThroughputChart } from '../parts/speed-charts.tsx';
import { bucketsOf, endedJobs, quantile, spanOf, spanWords } from '../parts/statistics.ts';
import { TimingsBar } from '../parts/timings-bar.tsx';
import { WorkersTable } from '../parts/workers-table.tsx';
import { loadModels, models } from '../state/models.ts';
import { useRepeated } from '../state/repeat.ts';
import { useJobs } from '../state/use-jobs.ts';

const FLEET_EVERY_MS = 3_000;
const MODELS_EVERY_MS = 15_000;
const JOBS_SHOWN = 200;
const BUCKETS = 30;

export function OperationsView() {
  const [fleet, setFleet] = useState<Fleet>();
  const [problem, setProblem] = useState<string>();
  useRepeated(
    async (signal) => {
      setFleet(await outboard.value.fleet({ signal }));
      setProblem(undefined);
      return FLEET_EVERY_MS;
    },
    (error) => setProblem(explain(error)),
    [],
  );
  useRepeated(async (signal) => {
    await loadModels(signal);
    return MODELS_EVERY_MS;
  }, () => {}, []);
  return (
    <>
      <header class="view-head">
        <h1>Operations</h1>
        {fleet !== undefined && <span class="tag">stage {fleet.stage}</span>}
      </header>
      {fleet === undefined ? (
        problem === undefined ? (
          <div class="tiles" aria-busy="true">
            <span class="visually-hidden">Fetching the state of the fleet…</span>
            {['waiting', 'workers', 'backlog', 'ordered'].map((tile) => (
              <span key={tile} class="skeleton" style={{ height: '92px' }} />
            ))}
          </div>
        ) : (
          <Message title="The fleet could not be read" tone="bad">
            {problem}
          </Message>
        )
      ) : (
        <>
          <FleetTiles fleet={fleet} />
          <WorkersTable workers={fleet.workers} ordered={fleet.order !== undefined} />
        </>
      )}
      <Speed />
      {models.value !== undefined && <ModelsTable models={models.value} workers={fleet?.workers} />}
    </>
  );
}

function FleetTiles({ fleet: { queue, workers, order } }: { readonly fleet: Fleet }) {
  const ready = workers.filter(({ state }) => state === 'ready');
  const busy = workers.reduce((sum, worker) => sum + worker.busy, 0);
  const places = workers.reduce((sum, worker) => sum + worker.places, 0);
  return (
    <>
      {order?.capacity_error !== undefined && (
        <p class="notice is-bad" role="alert">
          {order.capacity_error.code}: {order.capacity_error.message}
        </p>
      )}
      <dl class="tiles">
        <Tile name="Waiting" value={formatNumber(queue.waiting)} note="jobs in the queue, of all keys" />
        <Tile
          name="Workers ready"
          value={`${ready.length}`}
          note={workers.length === ready.length ? 'all that are there' : `of ${workers.length}`}
        />
        <Tile
          name="Jobs in hand"
          value={`${busy}`}
          note={places === 0 ? 'no places' : `of ${plural(places, 'place')}`}
        />
        {order === undefined ? (
          <Tile name="Ordered" value="–" note="no scaler: workers are started by hand" />
        ) : (
          <Tile
            name="Ordered"
            value={`${order.desired}`}
            note={`${reasons[order.reason] ?? order.reason}${backlogWords(order.backlog_seconds)}`}
          />
        )}
      </dl>
    </>
  );
}

/** Why the scaler ordered as many as it did (shared/scaling.ts). */
const reasons: Readonly<Record<string, string>> = {
  backlog: 'for the work that waits',
  grace: 'kept for the grace time',
  idle: 'nothing to do',
  maximum: 'as many as are allowed',
  minimum: 'the least that is always there',
  budget: 'the budget of today is used up',
};

const backlogWords = (seconds: number): string =>
  seconds < 0.05 ? '' : ` · ${formatDuration(seconds * 1000)} of work`;

const Tile = ({
  name,
  value,
  note,
}: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}) => (
  <div class="tile">
    <dt>{name}</dt>
    <dd>
      <span class="tile-value">{value}</span>
      <span class="tile-note">{note}</span>
    </dd>
  </div>
);

function Speed() {
  const { jobs } = useJobs(JOBS_SHOWN);
  const ended = endedJobs(jobs ?? []);
  const times = ended.filter(({ succeeded }) => succeeded).map(({ tookMs }) => tookMs);
  if (jobs === undefined) return <span class="skeleton" style={{ height: '220px' }} aria-busy="true" />;
  if (ended.length === 0) {
    return (
      <section class="block">
        <h2>Speed</h2>
        <p class="note">Once a job of this key has ended, throughput and latency are shown here.</p>
      </section>
    );
  }
  const span = spanOf(ended, Date.now());
  const failed = ended.filter(({ succeeded }) => !succeeded).length;
  const meanTimings = meanOf(jobs.flatMap(({ timings }) => (timings === undefined ? [] : [timings])));
  const title = spanWords(span);
  return (
    <div class="pair">
      <section class="block">
        <h2>
          Throughput <span class="block-note">last {title}</span>
        </h2>
        <ThroughputChart buckets={bucketsOf(ended, span, BUCKETS)} span={span} />
        <p class="note">
          {plural(ended.length, 'job')} of this key ended,{' '}
          {failed === 0 ? 'none' : formatPercent(failed / ended.length)} badly.
        </p>
      </section>
      <section class="block">
        <h2>
          Latency <span class="block-note">from accepted to done, last {title}</span>
        </h2>
        <LatencyChart ended={ended} span={span} />
        <p class="note">
          Half within {formatDuration(quantile(times, 0.5) ?? 0)}, 95 % within{' '}
          {formatDuration(quantile(times, 0.95) ?? 0)}.
        </p>
      </section>
      {phasesOf(meanTimings).length > 0 && (
        <section class="block is-wide">
          <h2>
            Where the time goes <span class="block-note">mean of the succeeded</span>
          </h2>
          <TimingsBar timings={meanTimings} withFigures />
        </section>
      )}
    </div>
  );
}

function meanOf(timings: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of timings) {
    for (const [phase, ms] of Object.entries(one)) sums[phase] = (sums[phase] ?? 0) + ms / timings.length;
  }
  return sums;
}
