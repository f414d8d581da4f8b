/** The examples of docs/api.md, run as they stand, one after the other, against a real stack. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { portsFrom } from '../../local/settings.ts';
import { jobListSchema, jobSchema } from '../../shared/job-response.ts';
import {
  deliveryListSchema,
  deliverySchema,
  fleetSchema,
  healthSchema,
  modelSchema,
  uploadSchema,
  webhookSecretSchema,
} from '../../shared/responses.ts';
import { setup } from './setup.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const { url, ended } = setup(5900);
const run = promisify(execFile);

/** What each example must print. */
const answers: Readonly<Record<string, z.ZodType>> = {
  'POST /v1/jobs': jobSchema,
  'GET /v1/jobs': jobListSchema,
  'GET /v1/jobs/{id}': jobSchema.extend({ status: z.literal('succeeded') }),
  'DELETE /v1/jobs/{id}': z.undefined(),
  'POST /v1/jobs/{id}/cancel': jobSchema.extend({ status: z.literal('canceled') }),
  'POST /v1/jobs/{id}/retry': jobSchema.extend({ status: z.literal('queued') }),
  'GET /v1/jobs/{id}/deliveries': deliveryListSchema.extend({
    deliveries: z.array(deliverySchema).length(1),
  }),
  'POST /v1/jobs/{id}/deliveries/{delivery}/redeliver': deliverySchema,
  'POST /v1/uploads': uploadSchema,
  'GET /v1/models': z.object({ models: z.array(modelSchema).min(1) }),
  'GET /v1/models/{name}': modelSchema,
  'GET /v1/fleet': fleetSchema,
  'GET /v1/webhook-secret': webhookSecretSchema,
  'POST /v1/webhook-secret/rotate': webhookSecretSchema.required(),
  'GET /v1/health': healthSchema,
  'GET /v1/openapi.json': z.object({ openapi: z.string() }),
};

/** The preparation, then each route's example, as the file has them. */
async function blocks(): Promise<{ route: string; script: string }[]> {
  const text = await readFile(path.join(ROOT, 'docs/api.md'), 'utf8');
  return text.split(/^## /m).flatMap((section) => {
    const [, route = ''] = /^`(.*?)`/.exec(section) ?? [];
    return [...section.matchAll(/```sh\n(.*?)\n```/gs)].map(([, script = '']) => ({ route, script }));
  });
}

describe('the examples of docs/api.md', () => {
  it('answer as their schemas say', async () => {
    const [preparation, ...routes] = await blocks();
    expect(routes.map(({ route }) => route)).toEqual(Object.keys(answers));
    // One shell, as a reader has it; a line of its own marks where the next example begins.
    const script = [preparation?.script ?? '', ...routes.map((block) => `echo; echo ---; ${block.script}`)]
      .join('\n')
      .replaceAll('127.0.0.1:3000', `127.0.0.1:${portsFrom(Number(new URL(url).port)).api}`);
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT });
    const printed = stdout.split('\n---\n').slice(1);
    for (const [index, { route }] of routes.entries()) {
      const text = printed[index]?.trim() ?? '';
      const value: unknown = text === '' ? undefined : JSON.parse(text);
      expect(() => answers[route]?.parse(value), `${route}: ${text}`).not.toThrow();
    }
    const uploads = routes.findIndex(({ route }) => route === 'POST /v1/uploads');
    const upload = uploadSchema.parse(JSON.parse(printed[uploads] ?? ''));
    expect(await ended(upload.job?.id ?? '')).toMatchObject({ status: 'succeeded' });
  });
});
