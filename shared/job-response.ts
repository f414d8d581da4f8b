/** A job as the API answers it, with the output of each task. `job-view.ts` builds exactly this. */
import * as z from 'zod';
import { jobPriorities, jobStatuses } from './job.ts';
import { errorCode, time } from './responses.ts';

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
