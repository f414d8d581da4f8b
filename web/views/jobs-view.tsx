/** All jobs of the key: how they stand, where their time went, and what can be done with them. */
import { useState } from 'preact/hooks';
import { explain, hasEnded, type Job, outboard } from '../api.ts';
import { formatAgo, formatDateTime, formatDuration, shortId, titleCase } from '../format.ts';
import { DeleteDialog } from '../parts/delete-dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { howItStands, statuses, verbOf } from '../parts/job-words.ts';
import { Message } from '../parts/message.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { TimingsBar } from '../parts/timings-bar.tsx';
import { forgetPicture } from '../state/pictures.ts';
import { go, linkTo } from '../state/route.ts';
import { useJobs } from '../state/use-jobs.ts';
import { usePicture } from '../state/use-picture.ts';

const PAGE = 25;

export function JobsView({ status }: { readonly status: string | undefined }) {
  const [count, setCount] = useState(PAGE);
  const { jobs, more, problem, refresh } = useJobs(count, status);
  const [refused, setRefused] = useState<string>();

  const act = async (action: () => Promise<unknown>) => {
    setRefused(undefined);
    await action().catch((error: unknown) => setRefused(explain(error)));
    refresh();
  };

  return (
    <>
      <header class="view-head">
        <h1>Jobs</h1>
        <nav class="filters" aria-label="Filter by status">
          {[undefined, ...statuses].map((one) => (
            <a key={one ?? 'all'} href={linkTo.jobs(one)} aria-current={one === status ? 'true' : undefined}>
              {one === undefined ? 'All' : titleCase(one)}
            </a>
          ))}
        </nav>
      </header>
      {refused !== undefined && (
        <p class="notice is-bad" role="alert">
          <Icon name="alert" />
          {refused}
        </p>
      )}
      {jobs === undefined ? (
        problem === undefined ? (
          <RowsSkeleton />
        ) : (
          <Message title="The jobs could not be read" tone="bad">
            {problem}
          </Message>
        )
      ) : jobs.length === 0 ? (
        <Empty status={status} />
      ) : (
        <>
          <ul class="rows">
            {jobs.map((job) => (
              <JobRow key={job.id} job={job} act={act} />
            ))}
          </ul>
          {more && (
            <p class="more">
              <button type="button" class="button" onClick={() => setCount(count + PAGE)}>
                Show more
              </button>
            </p>
          )}
        </>
      )}
    </>
  );
}

interface RowProps {
  readonly job: Job;
  readonly act: (action: () => Promise<unknown>) => Promise<void>;
}

function JobRow({ job, act }: RowProps) {
  const picture = usePicture(job.id);
  const [deleting, askToDelete] = useState(false);
  const name = picture?.name ?? job.input.name ?? shortId(job.id);
  const open = !hasEnded(job);
  const { jobs } = outboard.value;
  const { title, detail, done } = howItStands(job);
  return (
    <li class="row">
      <span class="row-picture">
        {picture?.thumbnail === undefined ? <Icon name="picture" /> : <img src={picture.thumbnail} alt="" />}
      </span>
      <span class="row-name">
        <a class="row-link" href={linkTo.job(job.id)}>
          {name}
        </a>
        <span class="row-note">
          {verbOf(job.task)} · {job.model_version ?? job.model}
        </span>
      </span>
      <span class="row-status">
        <StatusBadge status={job.status} />
        {job.error !== undefined && <span class="row-note">{job.error.message}</span>}
        {job.status === 'running' && (
          <span class="row-note">
            {title}
            {detail === undefined ? '' : `, ${detail}`}
          </span>
        )}
      </span>
      <span class="row-time">
        {open ? (
          <span class="progress" aria-hidden="true">
            <span
              class={done === undefined ? 'progress-fill is-unknown' : 'progress-fill'}
              style={{ width: `${(done ?? 0.3) * 100}%` }}
            />
          </span>
        ) : (
          job.timings !== undefined && <TimingsBar timings={job.timings} />
        )}
        <span class="row-note">
          {job.timings?.total_ms === undefined ? '' : `${formatDuration(totalOf(job.timings))} · `}
          <time dateTime={job.created_at} title={formatDateTime(job.created_at)}>
            {formatAgo(job.created_at)}
          </time>
        </span>
      </span>
      <span class="row-actions">
        {open && (
          <button
            type="button"
            class="button is-quiet is-icon"
            aria-label={`Cancel ${name}`}
            title="Cancel"
            onClick={() => act(() => jobs.cancel(job.id))}
          >
            <Icon name="stop" />
          </button>
        )}
        {!open && job.status !== 'succeeded' && (
          <button
            type="button"
            class="button is-quiet is-icon"
            aria-label={`Run ${name} again`}
            title="Run again"
            onClick={() => act(() => jobs.retry(job.id))}
          >
            <Icon name="retry" />
          </button>
        )}
        <button
          type="button"
          class="button is-quiet is-icon"
          aria-label={`Delete ${name}`}
          title="Delete"
          onClick={() => askToDelete(true)}
        >
          <Icon name="trash" />
        </button>
        {deleting && (
          <DeleteDialog
            name={name}
            onClose={() => askToDelete(false)}
            onDelete={() =>
              act(async () => {
                await jobs.delete(job.id);
                await forgetPicture(job.id);
              })
            }
          />
        )}
      </span>
    </li>
  );
}

/** From accepted to done: the worker counts from its claim on. */
const totalOf = ({ queue_ms = 0, total_ms = 0 }: Readonly<Record<string, number>>): number =>
  queue_ms + total_ms;

function Empty({ status }: { readonly status: string | undefined }) {
  if (status !== undefined) {
    return (
      <Message
        title={`No ${status} jobs`}
        actions={
          <a class="button" href={linkTo.jobs()}>
            Show all
          </a>
        }
      >
        Other jobs may be there.
      </Message>
    );
  }
  return (
    <Message
      title="No jobs yet"
      actions={
        <button type="button" class="button is-main" onClick={() => go(linkTo.new)}>
          Start one
        </button>
      }
    >
      Jobs of this key show up here, also those that programs send.
    </Message>
  );
}

const RowsSkeleton = () => (
  <div class="rows" aria-busy="true">
    <span class="visually-hidden">Fetching the jobs…</span>
    {Array.from({ length: 6 }, (_, index) => (
      <span key={index} class="skeleton" style={{ height: '64px' }} />
    ))}
  </div>
);
