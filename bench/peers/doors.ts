/** The two ways into Outboard: the API, as every client has it, and the stores, where the API runs elsewhere. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { newJob } from '../../functions/jobs/submit.ts';
import { API_KEY } from '../../local/settings.ts';
import { inputKey } from '../../shared/aws/input-keys.ts';
import { isTerminal, newJobId } from '../../shared/job.ts';
import type { Stores } from '../cases.ts';
import { expectOk, send } from './http.ts';
import type { Task } from './system.ts';

const LOOK_EVERY_MS = 40;
const WAIT_SECONDS = 20;
const MOST_BYTES = 1e9;
const PAUSE_MS = 200;
const TRIES = 5;

const requests = {
  classification: { task: 'classification', model: 'image-classifier', parameters: { top_k: 5 } },
  'super-resolution': {
    task: 'super-resolution',
    model: 'super-resolution-tiny',
    parameters: { upscale_factor: 4, output_format: 'jpeg', quality: 90 },
  },
} as const;

/** A way in. */
export interface Door {
  /** Hands a job over. @returns its id */
  submit(task: Task, picture: Buffer): Promise<string>;
  /** Looks once, and takes the whole answer where it is there. @throws where the job ended in another way */
  isAnswered(id: string): Promise<boolean>;
  /** One job from the submit to the whole answer, as fast as this way in can tell of it. */
  ask(task: Task, picture: Buffer): Promise<void>;
}

interface View {
  readonly id: string;
  readonly status: string;
  readonly output?: { readonly sr_image_url?: string; readonly original_image_url?: string };
}

export function apiDoor(url: string): Door {
  const headers = { 'x-api-key': API_KEY, 'content-type': 'application/json' };
  const post = async (task: Task, picture: Buffer, more: Record<string, string>): Promise<View> => {
    const { model, parameters } = requests[task];
    const body = JSON.stringify({ model, ...parameters, image_base64: picture.toString('base64') });
    // As the project's own client does: a repeat under the same key finds the job that may be there already.
    const keyed = { ...headers, ...more, 'idempotency-key': randomUUID() };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(`${url}/v1/jobs`, { body, headers: keyed });
      if (answer.status === 200 || answer.status === 202) return JSON.parse(answer.body.toString()) as View;
      if (answer.status < 500 || attempt === TRIES) throw new Error(`${answer.status} ${answer.body}`);
      await sleep(PAUSE_MS * attempt);
    }
  };
  const take = async ({ status, output }: View): Promise<boolean> => {
    if (status === 'queued' || status === 'running') return false;
    if (status !== 'succeeded') throw new Error(`A job ended as ${status}.`);
    const links = [output?.sr_image_url, output?.original_image_url].filter((link) => link !== undefined);
    await Promise.all(links.map((link) => expectOk(send(link))));
    return true;
  };
  const look = async (id: string, wait: number): Promise<boolean> => {
    const read = send(`${url}/v1/jobs/${id}?wait=${wait}`, { headers: { 'x-api-key': API_KEY } });
    return take(JSON.parse((await expectOk(read)).toString()) as View);
  };
  return {
    submit: async (task, picture) => (await post(task, picture, {})).id,
    isAnswered: (id) => look(id, 0),
    async ask(task, picture) {
      const view = await post(task, picture, { prefer: `wait=${WAIT_SECONDS}` });
      let answered = await take(view);
      while (!answered) answered = await look(view.id, WAIT_SECONDS);
    },
  };
}

export function storesDoor({ settings, jobs, queue, uploads, results }: Stores): Door {
  const submit: Door['submit'] = async (task, picture) => {
    const id = newJobId();
    const key = inputKey(id, 'bench');
    await uploads.put(key, picture, { contentType: 'image/jpeg' });
    const input = { kind: 'object', bucket: uploads.bucket, key } as const;
    const draft = { ...requests[task], id, tenant: 'bench', input, requestHash: '' };
    const now = new Date();
    await jobs.create(newJob(draft, settings, now));
    await queue.send(id, draft.tenant);
    await jobs.markEnqueued({ id }, now);
    return id;
  };
  const isAnswered: Door['isAnswered'] = async (id) => {
    const job = await jobs.get(id);
    if (job === undefined || !isTerminal(job.status)) return false;
    if (job.status !== 'succeeded') throw new Error(`A job ended as ${job.status}: ${job.error?.message}`);
    const files = Object.values(job.output?.files ?? {});
    await Promise.all(files.map(({ key }) => results.get(key, MOST_BYTES)));
    return true;
  };
  return {
    submit,
    isAnswered,
    async ask(task, picture) {
      const id = await submit(task, picture);
      while (!(await isAnswered(id))) await sleep(LOOK_EVERY_MS);
    },
  };
}
