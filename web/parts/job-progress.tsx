/** An open job: its picture, what happens to it, how far it is; told aloud now and then, not at every tile. */
import type { Job } from '../api.ts';
import { howItStands } from './job-words.ts';

interface ProgressProps {
  readonly job: Job;
  readonly picture: string | undefined;
}

/** A screen reader hears of a quarter at a time. */
const SPOKEN_PARTS = 4;

export function JobProgress({ job, picture }: ProgressProps) {
  const { title, detail, done } = howItStands(job);
  const spoken = done === undefined ? '' : `, ${(Math.floor(done * SPOKEN_PARTS) / SPOKEN_PARTS) * 100} %`;
  return (
    <div class="working">
      {picture !== undefined && <img class="working-picture" src={picture} alt="" />}
      <div class="working-card">
        <p class="working-title">{title}</p>
        <div
          class="progress"
          role="progressbar"
          aria-label="Progress"
          aria-valuemin={0}
          aria-valuemax={100}
          {...(done === undefined ? {} : { 'aria-valuenow': Math.round(done * 100) })}
        >
          <span
            class={done === undefined ? 'progress-fill is-unknown' : 'progress-fill'}
            style={{ width: `${(done ?? 0.3) * 100}%` }}
          />
        </div>
        <p class="working-detail">{detail ?? '\u00a0'}</p>
      </div>
      <p class="visually-hidden" role="status">
        {title}
        {spoken}
      </p>
    </div>
  );
}
