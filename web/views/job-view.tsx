/** One job: its picture, how it stands while it runs, and what came of it. */
import { useState } from 'preact/hooks';
import { explain, hasEnded, type Job, outboard } from '../api.ts';
import { shortId } from '../format.ts';
import { DeleteDialog } from '../parts/delete-dialog.tsx';
import { Downloads } from '../parts/downloads.tsx';
import { Icon } from '../parts/icon.tsx';
import { JobFacts } from '../parts/job-facts.tsx';
import { JobProgress } from '../parts/job-progress.tsx';
import { JobResult } from '../parts/job-result.tsx';
import { JsonDialog } from '../parts/json-dialog.tsx';
import { Message } from '../parts/message.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { forgetPicture } from '../state/pictures.ts';
import { go, linkTo } from '../state/route.ts';
import { useJob } from '../state/use-job.ts';
import { type ShownPicture, shownPicture, usePicture } from '../state/use-picture.ts';

export function JobView({ id }: { readonly id: string }) {
  const { job, problem, refresh } = useJob(id);
  const picture = shownPicture(job, usePicture(id));
  const [refused, setRefused] = useState<string>();
  const [dialog, openDialog] = useState<'json' | 'delete'>();
  const name = picture?.name ?? shortId(id);

  if (job === undefined) {
    return problem === undefined ? (
      <JobSkeleton />
    ) : (
      <>
        <h1 class="visually-hidden">Job</h1>
        <Message
          title="This job cannot be shown"
          tone="bad"
          actions={
            <a class="button" href={linkTo.jobs()}>
              All jobs
            </a>
          }
        >
          {problem}
        </Message>
      </>
    );
  }

  const act = async (action: () => Promise<unknown>) => {
    setRefused(undefined);
    try {
      await action();
      refresh();
    } catch (error) {
      setRefused(explain(error));
      refresh();
    }
  };
  const { jobs } = outboard.value;
  const retry = () => act(() => jobs.retry(id));
  const cancel = () => act(() => jobs.cancel(id));
  const erase = async () => {
    try {
      await jobs.delete(id);
      await forgetPicture(id);
      go(linkTo.jobs());
    } catch (error) {
      setRefused(explain(error));
    }
  };

  return (
    <>
      <header class="view-head">
        <a class="back" href={linkTo.jobs()} aria-label="All jobs">
          <Icon name="back" />
        </a>
        <h1 class="job-name" title={name}>
          {name}
        </h1>
        <StatusBadge status={job.status} />
        <div class="head-actions">
          {!hasEnded(job) && (
            <button type="button" class="button" onClick={cancel}>
              <Icon name="stop" />
              Cancel
            </button>
          )}
          {hasEnded(job) && job.status !== 'succeeded' && (
            <button type="button" class="button is-main" onClick={retry}>
              <Icon name="retry" />
              Run again
            </button>
          )}
          <button type="button" class="button is-quiet" onClick={() => openDialog('json')}>
            <Icon name="code" />
            JSON
          </button>
          <button
            type="button"
            class="button is-quiet is-icon"
            aria-label="Delete"
            title="Delete"
            onClick={() => openDialog('delete')}
          >
            <Icon name="trash" />
          </button>
          <Downloads job={job} name={name} onProblem={setRefused} />
        </div>
      </header>
      {refused !== undefined && (
        <p class="notice is-bad" role="alert">
          <Icon name="alert" />
          {refused}
        </p>
      )}
      <div class="job">
        <div class="job-stage">
          <Stage job={job} name={name} picture={picture} onRefresh={refresh} />
        </div>
        <JobFacts job={job} />
      </div>
      {dialog === 'json' && <JsonDialog job={job} onClose={() => openDialog(undefined)} />}
      {dialog === 'delete' && (
        <DeleteDialog name={name} onDelete={erase} onClose={() => openDialog(undefined)} />
      )}
    </>
  );
}

interface StageProps {
  readonly job: Job;
  readonly name: string;
  readonly picture: ShownPicture | undefined;
  readonly onRefresh: () => void;
}

function Stage({ job, name, picture, onRefresh }: StageProps) {
  if (!hasEnded(job)) return <JobProgress job={job} picture={picture?.preview} />;
  if (job.status === 'succeeded') {
    return <JobResult job={job} name={name} picture={picture?.preview} onStaleLink={onRefresh} />;
  }
  if (job.status === 'canceled') {
    return (
      <Message title="Canceled" icon="stop">
        Nothing was made. It can be run again as long as its picture is kept.
      </Message>
    );
  }
  return (
    <Message title={job.status === 'expired' ? 'Not done in time' : 'This job failed'} tone="bad">
      {job.error?.message ?? 'The API gave no reason.'}
      {job.error !== undefined && (
        <p class="note">
          Code <code>{job.error.code}</code> · attempt {job.attempt} of {job.max_attempts}
        </p>
      )}
    </Message>
  );
}

const JobSkeleton = () => (
  <div class="job" aria-busy="true">
    <h1 class="visually-hidden">Job</h1>
    <span class="visually-hidden">Fetching the job…</span>
    <span class="skeleton is-stage" />
    <span class="skeleton is-facts" />
  </div>
);
