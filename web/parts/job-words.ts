/** What the page calls states, tasks and phases, and what it tells a person who waits. */
import type { Job } from '../api.ts';
import { formatDuration, plural, titleCase } from '../format.ts';

export const statuses = ['queued', 'running', 'succeeded', 'failed', 'canceled', 'expired'] as const;

const verbs: Readonly<Record<string, string>> = {
  'super-resolution': 'Enlarge',
  classification: 'Classify',
  'object-detection': 'Detect',
};
/** What a task does, as a button says it. */
export const verbOf = (task: string): string => verbs[task] ?? titleCase(task);

const waiting: Readonly<Record<string, string>> = {
  'waiting for capacity': 'Waiting for a worker',
  'starting worker': 'A worker is starting',
  'loading model': 'A worker is loading its models',
  'in line': 'In line',
};

export interface Waiting {
  readonly title: string;
  readonly detail: string | undefined;
  /** 0 to 1; undefined while it cannot be known. */
  readonly done: number | undefined;
}

/** How an open job stands, in words. */
export function howItStands({ status, queue, progress }: Job): Waiting {
  if (status === 'queued') {
    if (queue === undefined) return { title: 'Queued', detail: undefined, done: undefined };
    const place =
      queue.position_is_minimum === true
        ? `More than ${plural(queue.position - 1, 'job')} before it`
        : queue.position === 1
          ? 'Next'
          : `Number ${queue.position}`;
    const eta =
      queue.eta_seconds === undefined
        ? undefined
        : `done in about ${formatDuration(Math.max(1, queue.eta_seconds) * 1000)}`;
    const detail = [place, eta, queue.detail].filter((part) => part !== undefined).join(' · ');
    return { title: waiting[queue.phase] ?? titleCase(queue.phase), detail, done: undefined };
  }
  if (progress === undefined) return { title: 'Starting', detail: undefined, done: undefined };
  const { phase, completed, total, unit } = progress;
  const title = titleCase(phase);
  if (total <= 1) return { title, detail: undefined, done: undefined };
  return { title, detail: `${completed} of ${plural(total, unit)}`, done: completed / total };
}

export interface Phase {
  readonly name: string;
  readonly label: string;
  readonly milliseconds: number;
}

/** Where the time of a job went, in order. What the device did is a share of computing and not a phase of its own. */
export function phasesOf(timings: Readonly<Record<string, number>>): Phase[] {
  return Object.entries(phaseLabels).flatMap(([name, label]) => {
    const milliseconds = timings[`${name}_ms`];
    return milliseconds === undefined || milliseconds < 0.5 ? [] : [{ name, label, milliseconds }];
  });
}

const phaseLabels: Readonly<Record<string, string>> = {
  queue: 'Queue',
  load: 'Load model',
  fetch: 'Fetch',
  decode: 'Decode',
  compute: 'Compute',
  encode: 'Encode',
  store: 'Store',
};
