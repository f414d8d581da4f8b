/** What the API answers beside jobs (job-response.ts), for OpenAPI and for clients' types. The routes build exactly these. */
import * as z from 'zod';
import { errorKinds } from './errors.ts';
import { attemptReasons, deliveryStates } from './webhook.ts';

export const time = z.iso.datetime();

/** Open, so that a client made from an older document takes a new code as text. */
export const errorCode = z
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
