/** Sends planned jobs to a stack, each in its way. */
import { newJob, submitJob } from '../../functions/jobs/submit.ts';
import { portsFrom, stackEnvironment } from '../../local/settings.ts';
import { connectHolders, connectJobs, connectQueue } from '../../shared/aws/connect.ts';
import { connectObjects } from '../../shared/aws/connect-objects.ts';
import { inputKey } from '../../shared/aws/input-keys.ts';
import { readFunctionsEnvironment } from '../../shared/environment.ts';
import { newJobId } from '../../shared/job.ts';
import type { Answer } from '../e2e/setup.ts';
import { makeBroken } from './broken.ts';
import { draw } from './draw.ts';
import type { PlannedJob } from './plan.ts';

/** Files that links lead to: the client's, so no job's. */
export const LINKED = 'linked/';

export interface Sent {
  readonly planned: PlannedJob;
  readonly source: Buffer;
  /** Undefined where the API refused it. */
  readonly id: string | undefined;
  /** What the API refused it with. */
  readonly refused?: string;
}

type Send = (method: string, route: string, body?: unknown) => Promise<Answer>;

const contentType = (planned: PlannedJob): string =>
  typeof planned.picture === 'string' ? 'image/png' : `image/${planned.picture.format}`;

export function torturer(port: number, directory: string, send: Send, attempts: number) {
  const environment = stackEnvironment({ port, directory });
  const settings = {
    ...readFunctionsEnvironment(environment),
    OUTBOARD_JOB_MAX_ATTEMPTS: attempts,
  };
  const { jobs } = connectJobs(settings);
  const queue = connectQueue(settings);
  const uploads = connectObjects(settings, settings.OUTBOARD_UPLOADS_BUCKET);

  const post = async (
    planned: PlannedJob,
    source: Buffer,
    fields: Record<string, unknown>,
  ): Promise<Sent> => {
    const { model, parameters, priority } = planned;
    const { status, body } = await send('POST', '/v1/jobs', { model, priority, ...parameters, ...fields });
    const { id, code } = body as { id?: string; code?: string };
    return status === 202
      ? { planned, source, id }
      : { planned, source, id: undefined, refused: code ?? `${status}` };
  };

  const ways: Record<PlannedJob['way'], (planned: PlannedJob, source: Buffer) => Promise<Sent>> = {
    inline: (planned, source) => post(planned, source, { image_base64: source.toString('base64') }),
    async link(planned, source) {
      const key = `${LINKED}${newJobId()}`;
      await uploads.put(key, source, { contentType: contentType(planned) });
      return post(planned, source, { image_url: await uploads.presignGet(key, 3_600) });
    },
    async form(planned, source) {
      const { model, parameters, priority } = planned;
      const asked = { model, priority, ...parameters, content_type: contentType(planned) };
      const { body } = await send('POST', '/v1/uploads', asked);
      const { url, fields, job } = body as {
        url: string;
        fields: Record<string, string>;
        job: { id: string };
      };
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append('file', new Blob([new Uint8Array(source)]));
      const answer = await fetch(url, { method: 'POST', body: form });
      if (!answer.ok) throw new Error(`The form was refused: ${await answer.text()}`);
      return { planned, source, id: job.id };
    },
    async row(planned, source) {
      const id = newJobId();
      const key = inputKey(id, 'torture');
      await uploads.put(key, source, { contentType: contentType(planned) });
      const { tenant, task, model, parameters, priority } = planned;
      const input = { kind: 'object', bucket: uploads.bucket, key } as const;
      const draft = { id, tenant, task, model, parameters, priority, input, requestHash: 'torture' };
      const now = new Date();
      const services = { jobs, queue, holders: connectHolders(settings), wake: async () => {} };
      await submitJob(services, newJob(draft, settings, now), now);
      return { planned, source, id };
    },
  };

  return {
    environment,
    queue,
    uploads,
    results: connectObjects(settings, settings.OUTBOARD_RESULTS_BUCKET),
    queueEndpoint: `http://127.0.0.1:${portsFrom(port).sqs}`,
    async send(planned: PlannedJob): Promise<Sent> {
      const { picture, seed, way } = planned;
      const source = await (typeof picture === 'string' ? makeBroken(picture, seed) : draw(picture, seed));
      return ways[way](planned, source);
    },
  };
}
