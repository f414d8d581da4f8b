/**
 * What a client may send: the one truth for validation, types and OpenAPI. Every task has its own strict
 * parameters; a field that a task does not know is an error, never silently ignored.
 */
import { z } from 'zod';
import { OutboardError } from './errors.ts';
import { type JobInput, jobStatuses } from './job.ts';
import { type ModelCatalog, type ModelManifest, resolveModel, type Task } from './model.ts';

export const upscaleFactors = [2, 4, 8] as const;

/** A whole number, also as numeric text: forms and query strings send nothing else. */
const numeric = (schema: z.ZodType<number>) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    schema,
  );

const upscaleFactor = numeric(z.literal(upscaleFactors))
  .default(4)
  .meta({ description: 'How many times larger in each direction: 2, 4 or 8.', default: 4 });

export const outputFormats = ['png', 'jpeg', 'webp'] as const;

export const superResolutionParameters = z.object({
  upscale_factor: upscaleFactor,
  output_format: z
    .enum(outputFormats)
    .default('png')
    .meta({ description: 'Format of both result pictures.' }),
  quality: numeric(z.int().min(1).max(100))
    .default(90)
    .meta({ description: 'For JPEG and WebP: 1 (smallest) to 100 (best).', default: 90 }),
});
export type SuperResolutionParameters = z.infer<typeof superResolutionParameters>;

/** The parameters of each task. */
export const parametersOf = { 'super-resolution': superResolutionParameters } as const satisfies Record<
  Task,
  z.ZodObject
>;

const modelField = z
  .string()
  .min(1)
  .max(128)
  .default('super-resolution')
  .meta({ description: 'A model, an alias, or `name@version`.' });

const imageName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^/\\\p{Cc}]+$/u, 'a file name without slashes')
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
    .optional(),
};

export const createJobSchema = (task: Task) =>
  z.strictObject({ model: modelField, ...inputFields, ...parametersOf[task].shape });

/** Metadata of an S3 object holds 2 KB in all; the parameters of a job fit easily. */
export const createUploadSchema = (task: Task) =>
  z.strictObject({
    model: modelField,
    content_type: z
      .enum(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'])
      .meta({ description: 'The upload must declare exactly this type.' }),
    image_name: imageName.optional(),
    max_bytes: z
      .int()
      .positive()
      .optional()
      .meta({ description: 'A tighter bound on the size than the stage has.' }),
    start_job: z
      .boolean()
      .default(true)
      .meta({ description: 'false: only store the file, for POST /v1/jobs with upload_id.' }),
    ...parametersOf[task].shape,
  });

export const listJobsQuery = z.object({
  limit: numeric(z.int().min(1).max(100)).default(25),
  cursor: z.string().max(2048).optional(),
  status: z.enum(jobStatuses).optional(),
});

/** A request to work on a picture, checked against what is served. */
export interface CheckedRequest {
  readonly model: string;
  readonly manifest: ModelManifest;
  readonly parameters: Record<string, unknown>;
}

export interface CheckedJobRequest extends CheckedRequest {
  readonly input:
    | JobInput
    | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly name?: string }
    | { readonly kind: 'upload'; readonly uploadId: string };
}

/** @throws OutboardError with the field at fault. */
export function checkCreateJob(body: unknown, catalog: ModelCatalog): CheckedJobRequest {
  const manifest = manifestFor(body, catalog);
  const request = parse(createJobSchema(manifest.task), body);
  const parameters = checkParameters(manifest, request);
  return { model: request.model, manifest, parameters, input: readInput(request) };
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
  const request = parse(createUploadSchema(manifest.task), body);
  return {
    model: request.model,
    manifest,
    parameters: checkParameters(manifest, request),
    contentType: request.content_type,
    imageName: request.image_name,
    maxBytes: request.max_bytes,
    startJob: request.start_job,
  };
}

/** The parameters of a job that has no request of its own: a file dropped into the bucket. */
export function defaultParameters(manifest: ModelManifest): Record<string, unknown> {
  return checkParameters(manifest, {});
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

function checkParameters(manifest: ModelManifest, request: object): Record<string, unknown> {
  const parameters = parse(parametersOf[manifest.task], request);
  const scales = manifest.graphs.map((graph) => graph.scale);
  if (!scales.includes(parameters.upscale_factor)) {
    throw new OutboardError('unsupported_upscale_factor', {
      detail: `${manifest.name} can enlarge by ${scales.join(', ')}.`,
      field: 'upscale_factor',
    });
  }
  return parameters;
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
  if (url !== undefined) return { kind: 'url', url: checkUrl(url) };
  if (uploadId !== undefined) return { kind: 'upload', uploadId };
  const bytes = decodeBase64(base64 ?? '');
  return name === undefined ? { kind: 'bytes', bytes } : { kind: 'bytes', bytes, name };
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
  const normal = data.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  if (normal === '' || normal.length % 4 === 1 || !/^[A-Za-z0-9+/]+$/.test(normal)) {
    throw new OutboardError('invalid_base64', { field: 'image_base64' });
  }
  return Buffer.from(normal, 'base64');
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
  if (field === 'upscale_factor') throw new OutboardError('unsupported_upscale_factor', { field });
  const detail = field === '' ? 'The body must be a JSON object.' : `${field}: ${issue?.message}.`;
  throw new OutboardError('invalid_request', field === '' ? { detail } : { detail, field });
}
