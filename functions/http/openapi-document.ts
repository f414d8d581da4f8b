/** OpenAPI 3.1 from the zod schemas in shared/: what is documented is what is checked. */
import * as z from 'zod';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverride,
} from 'zod-openapi';
import { jobListSchema, jobSchema } from '../../shared/job-response.ts';
import { keepDefault, parametersByTask } from '../../shared/parameters.ts';
import { createJobSchema, createUploadSchema, listJobsQuery } from '../../shared/requests.ts';
import {
  deliveryListSchema,
  deliverySchema,
  fleetSchema,
  healthSchema,
  modelSchema,
  problemSchema,
  uploadSchema,
  webhookSecretSchema,
} from '../../shared/responses.ts';

const json = (schema: z.ZodType, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

const problems = Object.fromEntries(
  Object.entries({ '4XX': 'The request was refused.', '5XX': 'The stage failed.' }).map(
    ([status, description]) => [
      status,
      { description, content: { 'application/problem+json': { schema: problemSchema } } },
    ],
  ),
);

const body = (schema: z.ZodType) => ({
  requestBody: { required: true, content: { 'application/json': { schema } } },
});
const jobPath = z.object({ id: z.string().meta({ description: 'The id that POST /v1/jobs gave.' }) });
const wait = z
  .int()
  .min(0)
  .optional()
  .meta({ description: 'Seconds that the answer is held back for the end of the job; more than 25 are 25.' });

/**
 * One schema for each task; which one holds is decided by the model asked for.
 * @param kind last word of their names, as in `CreateSuperResolutionJob`
 */
const anyTask = (kind: string, schema: (parameters: z.ZodObject) => z.ZodObject) =>
  z.union(
    Object.entries(parametersByTask()).map(([task, parameters]) =>
      schema(parameters).meta({ id: `Create${pascalCase(task)}${kind}` }),
    ) as [z.ZodObject, z.ZodObject],
  );

/** What generators of clients, and readers, are better off without. */
const plainer: ZodOpenApiOverride = (context) => {
  keepDefault(context);
  const { io, jsonSchema } = context;
  // An answer may get a new field at any time; a request with an unknown one is refused.
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  delete jsonSchema.propertyNames;
  // Typed languages would make floating-point numbers of 2, 4 and 8.
  if (jsonSchema.type === 'number' && jsonSchema.enum?.every(Number.isInteger)) jsonSchema.type = 'integer';
};

const pascalCase = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z])/g, (_all, letter: string) => letter.toUpperCase());

type Answers = ZodOpenApiOperationObject['responses'];
const operation = (
  operationId: string,
  summary: string,
  responses: Answers,
  rest: Partial<ZodOpenApiOperationObject> = {},
): ZodOpenApiOperationObject => ({ operationId, summary, ...rest, responses: { ...responses, ...problems } });

const open = { security: [] };

/** @param serverUrl scheme, host and stage of this deployment */
export function openApiDocument(serverUrl: string) {
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: {
      title: 'Outboard',
      version: '1',
      description: 'GPU image inference for serverless applications.',
    },
    servers: [{ url: serverUrl }],
    security: [{ apiKey: [] }],
    components: { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } } },
    paths: {
      '/v1/jobs': {
        post: operation(
          'createJob',
          'Start a job',
          {
            200: json(jobSchema, 'Finished within Prefer: wait.'),
            202: json(jobSchema, 'Accepted: row and message exist.'),
          },
          {
            ...body(anyTask('Job', createJobSchema)),
            requestParams: {
              header: z.object({
                'Idempotency-Key': z
                  .string()
                  .optional()
                  .meta({ description: 'The same key never makes a second job.' }),
                Prefer: z
                  .string()
                  .optional()
                  .meta({ description: 'wait=N: answer with the result if it is there in N seconds.' }),
                'Cache-Control': z
                  .string()
                  .optional()
                  .meta({ description: 'no-cache: compute anew, also where the same was answered before.' }),
              }),
            },
          },
        ),
        get: operation(
          'listJobs',
          'List jobs, newest first',
          { 200: json(jobListSchema, 'A page.') },
          {
            requestParams: { query: listJobsQuery },
          },
        ),
      },
      '/v1/jobs/{id}': {
        get: operation(
          'getJob',
          'Status, progress and results',
          { 200: json(jobSchema, 'The job.') },
          {
            requestParams: { path: jobPath, query: z.object({ wait }) },
          },
        ),
        delete: operation(
          'deleteJob',
          'Erase input, results and row',
          { 204: { description: 'Erased; an upload that other jobs use goes with the last of them.' } },
          {
            requestParams: { path: jobPath },
          },
        ),
      },
      '/v1/jobs/{id}/cancel': {
        post: operation(
          'cancelJob',
          'Cancel an open job',
          { 200: json(jobSchema, 'Canceled.') },
          {
            requestParams: { path: jobPath },
          },
        ),
      },
      '/v1/jobs/{id}/retry': {
        post: operation(
          'retryJob',
          'Run a job again that did not succeed',
          { 202: json(jobSchema, 'Queued again.') },
          {
            requestParams: { path: jobPath },
          },
        ),
      },
      '/v1/jobs/{id}/deliveries': {
        get: operation(
          'listDeliveries',
          "What the job's webhook was told, with every attempt",
          { 200: json(deliveryListSchema, 'The last 50, newest first.') },
          { requestParams: { path: jobPath } },
        ),
      },
      '/v1/jobs/{id}/deliveries/{delivery}/redeliver': {
        post: operation(
          'redeliver',
          'Send the same event to the webhook again, under the same webhook-id',
          { 202: json(deliverySchema, 'On its way.') },
          {
            requestParams: {
              path: jobPath.extend({ delivery: z.string().meta({ description: 'The id of a delivery.' }) }),
            },
          },
        ),
      },
      '/v1/uploads': {
        post: operation(
          'createUpload',
          'A presigned form for one file; the upload starts the job',
          { 201: json(uploadSchema, 'The form.') },
          {
            ...body(anyTask('Upload', createUploadSchema)),
          },
        ),
      },
      '/v1/models': {
        get: operation('listModels', 'Models that can be asked for', {
          200: json(z.object({ models: z.array(modelSchema) }), 'All models.'),
        }),
      },
      '/v1/models/{name}': {
        get: operation(
          'getModel',
          'One model',
          { 200: json(modelSchema, 'The model.') },
          {
            requestParams: {
              path: z.object({
                name: z.string().meta({ description: 'A model, an alias, or `name@version`.' }),
              }),
            },
          },
        ),
      },
      '/v1/fleet': {
        get: operation('getFleet', 'Workers, and what the scaler ordered', {
          200: json(fleetSchema, 'The fleet of this moment.'),
        }),
      },
      '/v1/webhook-secret': {
        get: operation('getWebhookSecret', 'The secrets that sign webhooks', {
          200: json(webhookSecretSchema, 'Made when they are asked for, or needed, first.'),
        }),
      },
      '/v1/webhook-secret/rotate': {
        post: operation('rotateWebhookSecret', 'A new secret to sign webhooks with', {
          200: json(webhookSecretSchema, 'Both sign until the next rotation.'),
        }),
      },
      '/v1/health': {
        get: operation(
          'health',
          'Whether the API reaches what it needs',
          { 200: json(healthSchema, 'Healthy.') },
          open,
        ),
      },
      '/v1/openapi.json': {
        get: operation('openapi', 'This document', { 200: { description: 'OpenAPI 3.1.' } }, open),
      },
    },
  };
  return createDocument(document, { override: plainer });
}
