/** A job's state as a word with a dot: never a colour alone. */
import type { Job } from '../api.ts';
import { titleCase } from '../format.ts';

export const StatusBadge = ({ status }: Pick<Job, 'status'>) => (
  <span class={`badge is-${status}`}>
    <span class="badge-dot" />
    {titleCase(status)}
  </span>
);
