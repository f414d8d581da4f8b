/**
 * What a client may send: the one truth for validation, types and OpenAPI. Every task has its own strict
 * parameters; a field that a task does not know is an error, never silently ignored.
 */
import * as z from 'zod';
import { OutboardError } from './errors.ts';
import { type JobInput, type JobPriority, jobPriorities, jobStatuses } from './job.ts';
import { type ModelCatalog, type ModelManifest, resolveModel } from './model.ts';
import { numeric, parametersFor } from './parameters.ts';
import { webhookEvents } from './webhook.ts';

const modelField = z
  .string()
  .min(1)
  .max(128)
  .default('super-resolution')
  .meta({ description: 'A model, an alias, or `name@version`.' });

const priorityField = z
  .enum(jobPriorities)
  .default('normal')
  .meta({ description: '`batch` gets the device only where no other job waits for it.' });

const webhookField = z
  .strictObject({
    url: z.string().min(1).max(1024).meta({ description: 'A public https URL; it gets a POST.' }),
    events: z
      .array(z.enum(webhookEvents))
      .min(1)
      .default([...webhookEvents])
      .meta({ description: 'Which ends of the job to tell.' }),
  })
  .meta({
    id: 'WebhookRequest',
    description: 'Who is told when the job ends, signed as Standard Webhooks has it.',
  });

const imageName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\\\p{Cc}\p{Cs}]+$/u, 'a file name without slashes')
  .meta({ description: 'The file name that results are named after.', example: 'harbour.jpg' });

const inputFields = {
  image_url: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({ description: 'A public http(s) URL; the worker fetches it.' }),
  image_base64: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The file itself; up to about 4 MB. A data: URL is accepted.' }),
  image_name: imageName.optional(),
  upload_id: z
    .string()
    .regex(/^upl_[0-9a-z]{24}$/, 'an id from POST /v1/uploads')
    .optional()
    .meta({ description: 'A file sent before through POST /v1/uploads.' }),
};

/** @param parameters those of the model asked for */
export const createJobSchema = (parameters: z.ZodObject) =>
  z.strictObject({
    model: modelField,
    priority: priorityField,
    ...inputFields,
    webhook: webhookField.optional(),
    ...parameters.shape,
  });

export const createUploadSchema = (parameters: z.ZodObject) =>
  z.strictObject({
    model: modelField,
    content_type: z
      .enum(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'])
      .meta({ description: 'The upload must declare exactly this type.' }),
    image_name: imageName.optional(),
    priority: priorityField,
    max_bytes: z
      .int()
      .positive()
      .optional()
      .meta({ description: 'A tighter bound on the size than the stage has.' }),
    start_job: z
      .boolean()
      .default(true)
      .meta({ description: 'false: only store the file, for POST /v1/jobs with upload_id.' }),
    webhook: webhookField.optional(),
    ...parameters.shape,
  });

export const listJobsQuery = z.object({
  limit: numeric(z.int().min(1).max(100))
    .default(25)
    .meta({ description: 'Jobs on a page, at most 100.', default: 25 }),
  cursor: z.string().max(2048).optional().meta({ description: 'Where the page before this one ended.' }),
  status: z.enum(jobStatuses).optional().meta({ description: 'Only jobs in this state.' }),
});

/** A request to work on a picture, checked against what is served. */
interface CheckedRequest {
  readonly model: string;
  readonly manifest: ModelManifest;
  readonly parameters: Record<string, unknown>;
  readonly priority: JobPriority;
  readonly webhook: z.infer<typeof webhookField> | undefined;
}

export interface CheckedJobRequest extends CheckedRequest {
  readonly input:
    | JobInput
    | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly name?: string }
    | { readonly kind: 'upload'; readonly uploadId: string; readonly name?: string };
}

/** @throws OutboardError with the field at fault. */
export function checkCreateJob(body: unknown, catalog: ModelCatalog): CheckedJobRequest {
  const manifest = manifestFor(body, catalog);
  const schema = parametersFor(manifest);
  const request = parse(createJobSchema(schema), body);
  const parameters = parse(schema, request);
  const { model, priority, webhook } = request;
  return { model, manifest, parameters, priority, webhook, input: readInput(request) };
}

export interface CheckedUploadRequest extends CheckedRequest {
  readonly contentType: string;
  readonly imageName: string | undefined;
  readonly maxBytes: number | undefined;
  readonly startJob: boolean;
}

/** @throws OutboardError with the field at fault. */
export function checkCreateUpload(body: unknown, catalog: ModelCatalog): CheckedUploadRequest {
  const manifest = manifestFor(body, catalog);
  const schema = parametersFor(manifest);
  const request = parse(createUploadSchema(schema), body);
  return {
    model: request.model,
    manifest,
    parameters: parse(schema, request),
    priority: request.priority,
    webhook: request.webhook,
    contentType: request.content_type,
    imageName: request.image_name,
    maxBytes: request.max_bytes,
    startJob: request.start_job,
  };
}

/** The parameters of a job that has no request of its own: a file dropped into the bucket. */
export function defaultParameters(manifest: ModelManifest): Record<string, unknown> {
  return parse(parametersFor(manifest), {});
}

/** The model decides which fields are known, so it is read first. */
function manifestFor(body: unknown, catalog: ModelCatalog): ModelManifest {
  const { model } = parse(z.object({ model: modelField }), body);
  const manifest = resolveModel(catalog, model);
  if (manifest === undefined) {
    throw new OutboardError('unknown_model', {
      detail: `Asked for ${JSON.stringify(model)}.`,
      field: 'model',
    });
  }
  return manifest;
}

function readInput(request: z.infer<ReturnType<typeof createJobSchema>>): CheckedJobRequest['input'] {
  const { image_url: url, image_base64: base64, upload_id: uploadId, image_name: name } = request;
  const given = Object.entries({ image_url: url, image_base64: base64, upload_id: uploadId }).filter(
    ([, value]) => value,
  );
  if (given.length === 0) throw new OutboardError('input_missing', { field: 'image_url' });
  if (given.length > 1) {
    const names = given.map(([field]) => field);
    throw new OutboardError('input_ambiguous', {
      detail: `This one has ${names.join(' and ')}.`,
      field: names[1] ?? '',
    });
  }
  const named = name === undefined ? {} : { name };
  if (url !== undefined) return { kind: 'url', url: checkUrl(url), ...named };
  if (uploadId !== undefined) return { kind: 'upload', uploadId, ...named };
  return { kind: 'bytes', bytes: decodeBase64(base64 ?? ''), ...named };
}

/** Only the form; whether the address may be visited is for the worker to find out when it connects. */
function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw new OutboardError('url_invalid', { field: 'image_url' });
  }
  return url.href;
}

/** Strict where Buffer is lenient: Buffer.from skips what it does not know and would make a broken picture of it. */
function decodeBase64(text: string): Buffer {
  const data = text.replace(/^data:[\w.+/-]*;base64,/, '').replaceAll(/[\r\n]/g, '');
  // Anchored, and each character matched one way only: a hostile body must not make the pattern search.
  const digits = /^([A-Za-z0-9+/_-]+)={0,2}$/.exec(data)?.[1];
  if (digits === undefined || digits.length % 4 === 1) {
    throw new OutboardError('invalid_base64', { field: 'image_base64' });
  }
  return Buffer.from(digits, 'base64');
}

/** Zod's findings as one error of the table: the first problem, with its field. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => JSON.stringify(key)).join(', ');
    throw new OutboardError('unknown_field', { detail: `It is ${names}.`, field: issue.keys[0] ?? '' });
  }
  const field = issue?.path.map(String).join('.') ?? '';
  if (field === 'upscale_factor') {
    throw new OutboardError('unsupported_upscale_factor', { detail: `${issue?.message}.`, field });
  }
  const detail = field === '' ? 'The body must be a JSON object.' : `${field}: ${issue?.message}.`;
  throw new OutboardError('invalid_request', field === '' ? { detail } : { detail, field });
}
