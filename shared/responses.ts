/** What the API answers, for OpenAPI and for clients' types. The views in functions/http build exactly these. */
import * as z from 'zod';
import { errorKinds } from './errors.ts';
import { jobPriorities, jobStatuses } from './job.ts';
import { attemptReasons, deliveryStates } from './webhook.ts';

const time = z.iso.datetime();

/** Open, so that a client made from an older document takes a new code as text. */
const errorCode = z
  .union([z.enum(Object.keys(errorKinds) as [string, ...string[]]), z.string()])
  .meta({ id: 'ErrorCode', description: 'Stable: branch on this. More may come.' });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'A sentence for a person.' }),
    instance: z.string(),
    code: errorCode,
    field: z.string().optional().meta({ description: 'The request field at fault.' }),
  })
  .meta({ id: 'Problem' });

const inputPicture = z
  .object({
    width: z.int().meta({ description: 'After EXIF orientation.' }),
    height: z.int(),
    format: z.string(),
    pages: z.int().meta({ description: 'Frames or pages in the file; the first is the one used.' }),
  })
  .meta({ id: 'InputPicture' });

const superResolutionOutput = z
  .object({
    sr_image_url: z.url().meta({
      description: 'The enlarged picture; the link lives for an hour, read the job again for a new one.',
    }),
    sr_image_uri: z.string(),
    original_image_url: z
      .url()
      .meta({ description: 'The bicubic enlargement of the input, for comparison.' }),
    original_image_uri: z.string(),
    upscale_factor: z.int(),
    width: z.int(),
    height: z.int(),
    input: inputPicture,
  })
  .meta({ id: 'SuperResolutionOutput' });

const classificationOutput = z
  .object({
    predictions: z
      .array(z.object({ label: z.string(), class_id: z.int(), score: z.number() }).meta({ id: 'Prediction' }))
      .meta({ description: 'Best first.' }),
    input: inputPicture,
  })
  .meta({ id: 'ClassificationOutput' });

const objectDetectionOutput = z
  .object({
    detections: z
      .array(
        z
          .object({
            label: z.string(),
            class_id: z.int(),
            score: z.number(),
            box: z
              .object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })
              .meta({ description: 'In pixels of the upright input; x and y are the top left corner.' }),
          })
          .meta({ id: 'Detection' }),
      )
      .meta({ description: 'Best first.' }),
    annotated_image_url: z.url().optional(),
    annotated_image_uri: z.string().optional(),
    input: inputPicture,
  })
  .meta({ id: 'ObjectDetectionOutput' });

export const jobSchema = z
  .object({
    id: z.string(),
    status: z.enum(jobStatuses),
    task: z.string(),
    model: z.string().meta({ description: 'As it was asked for.' }),
    model_version: z.string().optional().meta({ description: 'What runs: `name@version`.' }),
    parameters: z.record(z.string(), z.unknown()).meta({ description: 'Defaults included.' }),
    priority: z.enum(jobPriorities),
    progress: z
      .object({
        phase: z.string(),
        completed: z.int(),
        total: z.int(),
        unit: z.string(),
        eta_seconds: z.int().optional().meta({ description: 'Estimate for the rest of this phase.' }),
      })
      .meta({ id: 'Progress', description: 'What is being done now: completed of total units of a phase.' })
      .optional(),
    queue: z
      .object({
        phase: z.enum(['waiting for capacity', 'starting worker', 'loading model', 'in line']),
        position: z.int().meta({ description: '1 is next.' }),
        position_is_minimum: z
          .literal(true)
          .optional()
          .meta({ description: 'There are more jobs before this one than were counted.' }),
        eta_seconds: z
          .int()
          .optional()
          .meta({ description: 'Estimate of the seconds until it is finished.' }),
        detail: z.string().optional().meta({ description: 'Why there is no capacity.' }),
      })
      .meta({ id: 'QueuePlace', description: 'While the job is queued: what it waits for.' })
      .optional(),
    channel: z
      .object({
        url: z
          .string()
          .meta({ description: 'WebSocket address, token included. Send any message for a snapshot.' }),
        token: z.string(),
        expires_at: time.meta({ description: 'Until when the token opens connections.' }),
      })
      .meta({
        id: 'Channel',
        description: 'While the job is open: where its changes are told as they happen.',
      })
      .optional(),
    attempt: z.int().meta({ description: 'How often work on it has started.' }),
    max_attempts: z.int(),
    error: z
      .object({ code: errorCode, message: z.string(), field: z.string().optional() })
      .meta({ id: 'JobError', description: 'Why the job failed; the codes are those of refused requests.' })
      .optional(),
    evidence: z
      .object({
        worker: z.string(),
        model_version: z.string().optional(),
        input_sha256: z.string().optional(),
        phase: z.string(),
        log: z.array(z.string()),
      })
      .meta({
        id: 'Evidence',
        description: 'What a job in quarantine was doing when its last worker died.',
      })
      .optional(),
    timings: z.record(z.string(), z.number()).optional().meta({ description: 'Milliseconds by phase.' }),
    output: z
      .union([superResolutionOutput, classificationOutput, objectDetectionOutput])
      .optional()
      .meta({ description: 'Once it has succeeded; not in lists.' }),
    cache: z
      .enum(['hit', 'miss'])
      .optional()
      .meta({ description: 'hit: the stored answer of the same request.' }),
    created_at: time,
    started_at: time.optional(),
    finished_at: time.optional(),
    deadline_at: time.meta({ description: 'When it ends as expired if nothing else happens.' }),
    input: z
      .object({
        kind: z.enum(['stored', 'url']).meta({ description: 'stored: the stage keeps it for a time.' }),
        name: z.string().optional(),
        url: z.url().optional().meta({
          description:
            'The `image_url` of the request, or a signed link to the stored picture; the latter not in lists.',
        }),
      })
      .meta({ id: 'JobInput', description: 'The picture of the job.' }),
    links: z.object({
      self: z.url(),
      cancel: z.url(),
      retry: z.url(),
      deliveries: z.url().optional().meta({ description: 'What its webhook was told; where it has one.' }),
    }),
  })
  .meta({ id: 'Job' });

export const jobListSchema = z
  .object({ jobs: z.array(jobSchema), cursor: z.string().optional() })
  .meta({ id: 'JobList' });

export const deliverySchema = z
  .object({
    id: z.string().meta({ description: 'The webhook-id of every attempt.' }),
    event: z.string(),
    url: z.string(),
    state: z.enum(deliveryStates).meta({ description: 'failed: given up, or ended by the receiver.' }),
    created_at: time,
    next_attempt_at: time.optional().meta({ description: 'While pending.' }),
    attempts: z
      .array(
        z
          .object({
            at: time,
            duration_ms: z.int(),
            status: z.int().optional().meta({ description: 'What it answered, if it did.' }),
            reason: z
              .union([z.enum(Object.keys(attemptReasons) as [string, ...string[]]), z.string()])
              .optional()
              .meta({ description: 'Why it does not count; absent where it was taken.' }),
            message: z.string().optional(),
          })
          .meta({ id: 'DeliveryAttempt' }),
      )
      .meta({ description: 'Newest first.' }),
    links: z.object({ redeliver: z.url() }),
  })
  .meta({ id: 'Delivery', description: 'One event for one webhook.' });

export const deliveryListSchema = z
  .object({ deliveries: z.array(deliverySchema).meta({ description: 'Newest first.' }) })
  .meta({ id: 'DeliveryList' });

export const webhookSecretSchema = z
  .object({
    current: z.string().meta({ description: '`whsec_…`, as Standard Webhooks writes secrets.' }),
    previous: z
      .string()
      .optional()
      .meta({ description: 'The one before: it signs beside the current one until the next rotation.' }),
  })
  .meta({ id: 'WebhookSecret' });

export const uploadSchema = z
  .object({
    upload_id: z.string(),
    url: z.url(),
    fields: z.record(z.string(), z.string()).meta({ description: 'Form fields to send before the file.' }),
    max_bytes: z.int(),
    expires_at: time,
    job: z.object({ id: z.string(), links: z.object({ self: z.url() }) }).optional(),
  })
  .meta({ id: 'Upload' });

export const modelSchema = z
  .object({
    name: z.string(),
    task: z.string(),
    description: z.string(),
    licence: z.string(),
    aliases: z.array(z.string()),
    version: z.string(),
    versions: z.array(z.string()),
    parameters: z
      .record(z.string(), z.unknown())
      .meta({ description: 'JSON Schema of the task parameters.' }),
    labels: z.array(z.string()).optional().meta({ description: 'What classes are called, by class id.' }),
    metrics: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Model' });

const worker = z
  .object({
    id: z.string(),
    state: z.enum(['loading', 'ready', 'draining']),
    device: z.string(),
    busy: z.int().meta({ description: 'Jobs in hand.' }),
    places: z.int().meta({ description: 'Jobs it takes at once.' }),
    models: z.array(z.string()).meta({ description: 'Loaded `name@version`s.' }),
    started_at: time,
    seen_at: time,
  })
  .meta({ id: 'FleetWorker' });

export const fleetSchema = z
  .object({
    stage: z.string(),
    queue: z.object({ waiting: z.int().meta({ description: 'Messages that wait, about.' }) }),
    workers: z.array(worker).meta({ description: 'Those heard from in the last 30 seconds, oldest first.' }),
    order: z
      .object({
        desired: z.int(),
        running: z.int().meta({ description: 'Workers that are paid for, ready or not.' }),
        backlog_seconds: z.number().meta({ description: 'Predicted device seconds of all open jobs.' }),
        open_jobs: z.int(),
        reason: z.string(),
        updated_at: time,
        capacity_error: z.object({ code: z.string(), message: z.string(), at: time }).optional(),
      })
      .optional()
      .meta({
        description: 'What the scaler ordered last; absent where workers are started by other means.',
      }),
  })
  .meta({ id: 'Fleet' });

export const healthSchema = z
  .object({ status: z.enum(['ok', 'degraded']), stage: z.string(), queue: z.unknown(), models: z.unknown() })
  .meta({ id: 'Health' });
