/**
 * All pictures of one command, a few at a time. What went wrong with one is told and changes nothing for the others; an
 * interrupt ends the waiting, not the jobs.
 */
import path from 'node:path';
import { type Job, type JobEvent, JobFailedError, OutboardApiError } from '../../client/outboard.ts';
import { type AskServices, ask, type Question } from './ask.ts';
import { activityOf, type Display } from './display.ts';
import { findings } from './findings.ts';
import type { Output } from './outputs.ts';
import { refuseTaken, report, save } from './save.ts';

export interface Work extends Question {
  readonly outputs: readonly Output[];
  /** Files under the names of the outputs come from an earlier run of the same command. */
  readonly isOurs: boolean;
  /** And all of them are there. */
  readonly isSaved: boolean;
}

interface RunServices extends AskServices {
  readonly display: Display;
  readonly force: boolean;
  readonly json: boolean;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

/** How each picture's part ended; the error where it did not end well. */
export type Outcome =
  | { readonly kind: 'done' | 'interrupted' }
  | { readonly kind: 'failed'; readonly error: unknown };

export async function runAll(
  services: RunServices,
  works: readonly Work[],
  concurrency: number,
): Promise<Outcome[]> {
  const waiting = works.values();
  const outcomes: Outcome[] = [];
  const lane = async () => {
    for (const work of waiting) outcomes.push(await runOne(services, work));
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return outcomes;
}

async function runOne(services: RunServices, work: Work): Promise<Outcome> {
  const { display, memory, signal, json } = services;
  const { input, key, outputs } = work;
  const told = (fields: object) => {
    if (json) display.print(JSON.stringify({ input: input.name, ...fields }));
  };
  const files = Object.fromEntries(outputs.map(({ role, file }) => [role, file]));
  if (work.isSaved) {
    display.finish(input.name, 'done before');
    told({ status: 'succeeded', files });
    return { kind: 'done' };
  }
  const begun = performance.now();
  try {
    const onEvent = (event: JobEvent) => {
      if (event.type !== 'result') display.show(input.name, activityOf(event));
    };
    const job = await ask(services, work, { signal, onEvent });
    // Looked at again: the job may have taken hours.
    if (!services.force && !work.isOurs) await refuseTaken(outputs);
    // Noted first: a run that is killed in between must not take its own files for somebody else's.
    if (outputs.length > 0) await memory.remember(key, { ...(await memory.recall(key)), writes: true });
    await save(services.outboard, job, outputs, { signal });
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    display.finish(input.name, [`done in ${seconds} s`, ...outputs.map(shown)].join(' → '));
    if (json) told({ status: 'succeeded', job: job.id, files, result: report(job) });
    else printFindings(display, input.name, job);
    return { kind: 'done' };
  } catch (error) {
    const status = signal.aborted ? 'interrupted' : 'failed';
    const message = error instanceof Error ? error.message : String(error);
    display.finish(input.name, signal.aborted ? 'no longer watched' : `failed: ${message}`);
    const { job } = await memory.recall(key);
    told({ status, job, ...(signal.aborted ? {} : { error: { code: codeOf(error), message } }) });
    return signal.aborted ? { kind: 'interrupted' } : { kind: 'failed', error };
  }
}

/** As a person would name it from where they are. */
function shown({ file }: Output): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

function printFindings(display: Display, name: string, job: Job): void {
  const text = findings(job);
  if (text !== undefined) display.print(`${name}\n${text}\n`);
}

const codeOf = (error: unknown): string =>
  error instanceof JobFailedError || error instanceof OutboardApiError ? error.code : 'local';
