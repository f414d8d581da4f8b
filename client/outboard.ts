/**
 * `@outboard/client`: the API of an Outboard stage from browsers and from Node.
 *
 *     const outboard = new Outboard({ endpoint, apiKey });
 *     const { output } = await outboard.run('super-resolution', file, { upscale_factor: 4 });
 */
import type { Fleet, Job, Progress } from './api-types.ts';
import { byChannel } from './channel.ts';
import { JobFailedError, OutboardApiError } from './errors.ts';
import { eventsOf, type JobEvent } from './events.ts';
import { type Follow, longPolling } from './follow.ts';
import { type Connection, Http } from './http.ts';
import { type ImageSource, MOST_INLINE_BYTES, readImage, toBase64 } from './image.ts';
import { type CreateJobOptions, Jobs } from './jobs.ts';
import { Models } from './models.ts';
import type { CreateJob, FileRole, ParametersOf, SucceededJob, Task, TaskOf } from './tasks.ts';
import { Uploads } from './uploads.ts';
import { Webhooks } from './webhooks.ts';

export type * from './api-types.ts';
export { JobFailedError, OutboardApiError, OutboardConnectionError } from './errors.ts';
export type { JobEvent } from './events.ts';
export type { Connection } from './http.ts';
export { type ImageSource, MOST_INLINE_BYTES } from './image.ts';
export {
  type CreateJob,
  hasEnded,
  type OutputOf,
  type ParametersOf,
  type SucceededJob,
  type Task,
} from './tasks.ts';

export interface SubmitOptions extends CreateJobOptions {
  /** Results are named after it; default: the name of a File. */
  readonly name?: string | undefined;
}

export interface WaitOptions {
  readonly onProgress?: ((progress: Progress, job: Job) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Outboard {
  readonly jobs: Jobs;
  readonly models: Models;
  readonly uploads: Uploads;
  readonly webhooks: Webhooks;
  readonly #http: Http;
  readonly #follow: Follow;

  constructor(connection: Connection) {
    this.#http = new Http(connection);
    this.jobs = new Jobs(this.#http);
    this.models = new Models(this.#http);
    this.uploads = new Uploads(this.#http);
    this.webhooks = new Webhooks(this.#http);
    this.#follow = (connection.channels === false ? longPolling : byChannel)(this.jobs);
  }

  /**
   * Sends a picture, waits for the end and answers with the succeeded job, its results in `output`.
   * Aborting the signal cancels the job on the server, then rejects with the signal's reason.
   * @throws JobFailedError, OutboardApiError, OutboardConnectionError
   */
  async run<const Model extends string>(
    model: Model,
    image: ImageSource,
    parameters: ParametersOf<TaskOf<Model>> = {} as ParametersOf<TaskOf<Model>>,
    { onProgress, ...options }: SubmitOptions & WaitOptions = {},
  ): Promise<SucceededJob<TaskOf<Model>>> {
    const job = await this.submit(model, image, parameters, options);
    try {
      return await this.wait<TaskOf<Model>>(job.id, { onProgress, signal: options.signal });
    } catch (error) {
      // Where it has ended meanwhile there is nothing to cancel; the caller has turned away either way.
      if (options.signal?.aborted) await this.jobs.cancel(job.id).catch(() => {});
      throw error;
    }
  }

  /** Sends a picture and answers as soon as its job is accepted. */
  async submit<const Model extends string>(
    model: Model,
    image: ImageSource,
    parameters: ParametersOf<TaskOf<Model>> = {} as ParametersOf<TaskOf<Model>>,
    { name, signal, ...options }: SubmitOptions = {},
  ): Promise<Job> {
    signal?.throwIfAborted();
    const picture = await this.#send(image, name, signal);
    signal?.throwIfAborted();
    // Without the signal: whoever aborts now must learn the id of the job, or nobody could cancel it.
    return this.jobs.create({ model, ...picture, ...parameters }, options);
  }

  /** The picture as fields of a job: its address, its bytes, or the id of its upload. */
  async #send(
    image: ImageSource,
    givenName: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Pick<CreateJob, 'image_url' | 'image_base64' | 'image_name' | 'upload_id'>> {
    const picture = await readImage(image, signal);
    const name = givenName ?? (picture.kind === 'bytes' ? picture.name : undefined);
    const named = name === undefined ? {} : { image_name: name };
    if (picture.kind === 'url') return { image_url: picture.url, ...named };
    if (picture.blob.size <= MOST_INLINE_BYTES)
      return { image_base64: await toBase64(picture.blob), ...named };
    return { upload_id: await this.uploads.send(picture.blob, { name, signal }), ...named };
  }

  /** What happens to a job until it has ended; the last event is the `result`. Leaving the loop leaves the job alone. */
  watch(
    id: string,
    {
      signal,
      progress = true,
    }: { readonly signal?: AbortSignal | undefined; readonly progress?: boolean } = {},
  ): AsyncGenerator<JobEvent, void, undefined> {
    return eventsOf(this.#follow(id, { signal, progress }));
  }

  /** The job once it has succeeded. Aborting the signal ends the waiting and not the job. @throws JobFailedError */
  async wait<T extends Task = Task>(
    id: string,
    { onProgress, signal }: WaitOptions = {},
  ): Promise<SucceededJob<T>> {
    for await (const event of this.watch(id, { signal, progress: onProgress !== undefined })) {
      if (event.type === 'progress') onProgress?.(event.progress, event.job);
      if (event.type !== 'result') continue;
      if (event.job.status !== 'succeeded') throw new JobFailedError(event.job);
      return event.job as SucceededJob<T>;
    }
    throw new Error('unreachable: a job is followed to its end');
  }

  /**
   * A file among a job's results: `.blob()` for the whole, `.body` for a stream. A link that has run out is renewed.
   * @throws OutboardApiError `result_not_found`
   */
  async download<Output extends object>(
    job: { readonly id: string; readonly output?: Output },
    role: FileRole<Output>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Response> {
    const first = await this.#fetchResult(job, role, signal);
    if (first?.ok) return first;
    await first?.body?.cancel();
    const second = await this.#fetchResult(await this.jobs.get(job.id, { signal }), role, signal);
    if (second?.ok) return second;
    await second?.body?.cancel();
    throw new OutboardApiError({
      status: second?.status ?? 404,
      code: 'result_not_found',
      detail: `${job.id} has no file ${role}, or no longer.`,
    });
  }

  /** The workers of the stage, what was ordered and why, and how much waits. */
  fleet({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<Fleet> {
    return this.#http.json('GET', '/v1/fleet', { signal });
  }

  async #fetchResult(
    { output }: { readonly output?: object },
    role: string,
    signal: AbortSignal | undefined,
  ): Promise<Response | undefined> {
    const url = (output as Readonly<Record<string, unknown>> | undefined)?.[`${role}_url`];
    return typeof url === 'string' ? this.#http.send(url, signal === undefined ? {} : { signal }) : undefined;
  }
}
