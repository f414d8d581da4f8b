/** What each task takes and gives, by the task's name: the types that make `run('super-resolution', …)` typed. */
import type {
  ClassificationOutput,
  CreateClassificationJob,
  CreateObjectDetectionJob,
  CreateSuperResolutionJob,
  Job,
  ObjectDetectionOutput,
  SuperResolutionOutput,
} from './api-types.ts';

interface Tasks {
  readonly 'super-resolution': {
    readonly job: CreateSuperResolutionJob;
    readonly output: SuperResolutionOutput;
  };
  readonly classification: { readonly job: CreateClassificationJob; readonly output: ClassificationOutput };
  readonly 'object-detection': {
    readonly job: CreateObjectDetectionJob;
    readonly output: ObjectDetectionOutput;
  };
}

export type Task = keyof Tasks;

/**
 * The task that a model's name tells. Each task's default model answers to the name of the task; of any other name only
 * the server knows the task, so all of them are possible.
 */
export type TaskOf<Model extends string> = Model extends Task ? Model : Task;

/** The body of POST /v1/jobs. */
export type CreateJob<T extends Task = Task> = Tasks[T]['job'];

type InputField = 'model' | 'image_url' | 'image_base64' | 'image_name' | 'upload_id';

/** What can be asked of a task beside the picture. Distributes, so that several tasks give a union. */
export type ParametersOf<T extends Task> = T extends Task ? Omit<CreateJob<T>, InputField> : never;

export type OutputOf<T extends Task> = Tasks[T]['output'];

export type SucceededJob<T extends Task = Task> = Omit<Job, 'status' | 'output'> & {
  readonly status: 'succeeded';
  readonly output: OutputOf<T>;
};

/** The files among results: of `sr_image_url` and `original_image_url`, `sr_image` and `original_image`. */
export type FileRole<Output> = Output extends unknown
  ? keyof Output extends infer Key
    ? Key extends `${infer Role}_url`
      ? Role
      : never
    : never
  : never;

const open: ReadonlySet<string> = new Set<Job['status']>(['queued', 'running']);

/** Whether a job will change no more, unless somebody retries it. */
export const hasEnded = (job: Pick<Job, 'status'>): boolean => !open.has(job.status);
