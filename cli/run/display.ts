/** What a person sees of running jobs: a bar for each on a terminal, a line for each change in a pipe. */
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { JobEvent } from '../../client/outboard.ts';

/** What a job is doing now. */
interface Activity {
  readonly text: string;
  readonly done?: { readonly completed: number; readonly total: number; readonly unit: string };
}

export interface Display {
  /** The present state of one job. */
  show(name: string, activity: Activity): void;
  /** The last word on a job. */
  finish(name: string, text: string): void;
  /** Text for stdout, which a bar must not run through. */
  print(text: string): void;
}

export function activityOf({ type, job }: JobEvent): Activity {
  if (type === 'progress' && job.progress !== undefined) {
    const { phase, completed, total, unit } = job.progress;
    return total > 1 ? { text: phase, done: { completed, total, unit } } : { text: phase };
  }
  if (job.status !== 'queued' || job.queue === undefined) return { text: job.status };
  const { phase, position, eta_seconds: eta } = job.queue;
  const place = `${phase}, place ${position}`;
  return { text: eta === undefined ? place : `${place}, about ${eta} s` };
}

/** One line for each new thing that a job does; how far it is would be noise in a log. */
export class Lines implements Display {
  readonly #said = new Map<string, string>();

  show(name: string, { text }: Activity): void {
    if (this.#said.get(name) === text) return;
    this.#said.set(name, text);
    process.stderr.write(`${name}: ${text}\n`);
  }

  finish(name: string, text: string): void {
    process.stderr.write(`${name}: ${text}\n`);
  }

  print(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

const BAR_WIDTH = 20;
const FRAME_MS = 100;

/** Bars below, finished jobs above them. */
export class Bars implements Display {
  readonly #jobs = new Map<string, { readonly activity: Activity; readonly since: number }>();
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  show(name: string, activity: Activity): void {
    this.#jobs.set(name, { activity, since: this.#jobs.get(name)?.since ?? performance.now() });
    this.#timer ??= setTimeout(() => this.#draw(), FRAME_MS);
  }

  finish(name: string, text: string): void {
    this.#jobs.delete(name);
    this.#erase();
    process.stderr.write(`${name}: ${text}\n`);
    this.#draw();
  }

  print(text: string): void {
    this.#erase();
    process.stdout.write(`${text}\n`);
    this.#draw();
  }

  #erase(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#drawn > 0) {
      cursorTo(process.stderr, 0);
      moveCursor(process.stderr, 0, -this.#drawn);
      clearScreenDown(process.stderr);
    }
    this.#drawn = 0;
  }

  #draw(): void {
    this.#erase();
    // A line that wraps could not be erased, nor one that has scrolled away.
    const width = (process.stderr.columns || 80) - 1;
    const height = (process.stderr.rows || 24) - 1;
    const lines = [...this.#jobs].slice(0, height).map(([name, job]) => barLine(name, job).slice(0, width));
    process.stderr.write(lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }
}

function barLine(
  name: string,
  { activity: { text, done }, since }: { activity: Activity; since: number },
): string {
  const share = done === undefined ? 0 : done.completed / done.total;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const count = done === undefined ? '' : ` ${done.completed}/${done.total} ${done.unit}s`;
  const seconds = Math.floor((performance.now() - since) / 1000);
  return `${shorten(name, 30).padEnd(30)} ${bar} ${text}${count} ${seconds} s`;
}

/** The end of a path says most. */
const shorten = (text: string, length: number): string =>
  text.length <= length ? text : `…${text.slice(text.length - length + 1)}`;
