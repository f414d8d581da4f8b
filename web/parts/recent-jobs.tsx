/** The last few jobs below the form, so that what was sent a moment ago is one glance away. */
import { hasEnded, type Job } from '../api.ts';
import { formatAgo, shortId } from '../format.ts';
import { linkTo } from '../state/route.ts';
import { useJobs } from '../state/use-jobs.ts';
import { usePicture } from '../state/use-picture.ts';
import { Icon } from './icon.tsx';
import { howItStands } from './job-words.ts';
import { StatusBadge } from './status-badge.tsx';

const SHOWN = 6;

export function RecentJobs() {
  const { jobs = [] } = useJobs(SHOWN);
  if (jobs.length === 0) return null;
  return (
    <section class="recent" aria-labelledby="recent">
      <header class="section-head">
        <h2 id="recent">Recent jobs</h2>
        <a href={linkTo.jobs()}>All jobs</a>
      </header>
      <ul class="cards">
        {jobs.map((job) => (
          <li key={job.id}>
            <JobCard job={job} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function JobCard({ job }: { readonly job: Job }) {
  const picture = usePicture(job.id);
  const open = !hasEnded(job);
  const { title, done } = howItStands(job);
  return (
    <a class="card" href={linkTo.job(job.id)}>
      <span class="card-picture">
        {picture?.thumbnail === undefined ? <Icon name="picture" /> : <img src={picture.thumbnail} alt="" />}
      </span>
      <span class="card-name">{picture?.name ?? job.input.name ?? shortId(job.id)}</span>
      <span class="card-note">
        {open && job.status === 'running' ? (
          <span class="badge is-running">
            <span class="badge-dot" />
            {title}
          </span>
        ) : (
          <StatusBadge status={job.status} />
        )}
        <span class="card-time">{formatAgo(job.created_at)}</span>
      </span>
      {open && (
        <span class="progress is-thin" aria-hidden="true">
          <span
            class={done === undefined ? 'progress-fill is-unknown' : 'progress-fill'}
            style={{ width: `${(done ?? 0.3) * 100}%` }}
          />
        </span>
      )}
    </a>
  );
}
