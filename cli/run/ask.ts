/**
 * One picture's question to the API, asked so that it can be asked again: a job of an earlier run is found by what is
 * remembered of it or, where that was lost, by its Idempotency-Key.
 */
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import {
  hasEnded,
  type Job,
  type JobEvent,
  JobFailedError,
  MOST_INLINE_BYTES,
  type Outboard,
  OutboardApiError,
} from '../../client/outboard.ts';
import type { Input } from './inputs.ts';
import { type Memory, questionKey } from './memory.ts';

export interface Question {
  /** The same for the same picture, model, parameters and outputs. */
  readonly key: string;
  readonly input: Input;
  /** As it was asked for. */
  readonly model: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface AskServices {
  readonly outboard: Outboard;
  readonly memory: Pick<Memory, 'recall' | 'remember'>;
  /** Start a new job also where there is one, and let nothing be answered from the prediction cache. */
  readonly fresh: boolean;
}

/**
 * @param signal ends the waiting; a job that was started goes on
 * @returns the succeeded job. @throws JobFailedError, errors of the client, or the signal's reason
 */
export async function ask(
  services: AskServices,
  question: Question,
  { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: JobEvent) => void },
): Promise<Job> {
  signal.throwIfAborted();
  const { outboard, memory, fresh } = services;
  const remembered = fresh ? {} : await memory.recall(question.key);
  const found = remembered.job === undefined ? undefined : await findJob(outboard, remembered.job);
  const job = found ?? (await submit(services, question, remembered.upload_id, signal));
  const { upload_id, writes = false } = await memory.recall(question.key);
  const kept = { ...(upload_id === undefined ? {} : { upload_id }), ...(writes && !fresh ? { writes } : {}) };
  await memory.remember(question.key, { ...kept, job: job.id });
  // An earlier run's failure: asking again means trying again.
  if (hasEnded(job) && job.status !== 'succeeded') await outboard.jobs.retry(job.id);
  for await (const event of outboard.watch(job.id, { signal })) {
    onEvent(event);
    if (event.type !== 'result') continue;
    if (event.job.status === 'succeeded') return event.job;
    throw new JobFailedError(event.job);
  }
  throw new Error('unreachable: a job is watched to its end');
}

const findJob = (outboard: Outboard, id: string): Promise<Job | undefined> =>
  outboard.jobs.get(id).catch(unlessGone('job_not_found'));

async function submit(
  { outboard, memory, fresh }: AskServices,
  { key: questionsKey, input, model, parameters }: Question,
  rememberedUpload: string | undefined,
  signal: AbortSignal,
): Promise<Job> {
  const key = fresh ? crypto.randomUUID() : questionsKey;
  const options = { noCache: fresh, idempotencyKey: key };
  if (input.isUrl) return outboard.submit(model, input.source, parameters, options);
  const blob = await openAsBlob(input.source);
  const name = path.basename(input.source);
  if (blob.size <= MOST_INLINE_BYTES) return outboard.submit(model, blob, parameters, { ...options, name });
  // The id is part of the request, so it is part of the key; both are the same again only while the id is remembered.
  const create = (upload_id: string) =>
    outboard.jobs.create(
      { model, upload_id, image_name: name, ...parameters },
      { ...options, idempotencyKey: questionKey(key, upload_id) },
    );
  if (rememberedUpload !== undefined) {
    const again = await create(rememberedUpload).catch(unlessGone('upload_not_found'));
    if (again !== undefined) return again;
  }
  const upload_id = await outboard.uploads.send(blob, { name, signal });
  await memory.remember(questionsKey, { upload_id });
  return create(upload_id);
}

/** What is no longer there is made again. */
const unlessGone =
  (code: string) =>
  (error: unknown): undefined => {
    if (!(error instanceof OutboardApiError && error.code === code)) throw error;
  };
