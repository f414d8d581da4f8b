/** Calls of a stage's API as a client makes them; an unexpected status is told with its body. */
import { setTimeout as sleep } from 'node:timers/promises';

const LONGEST_JOB_MS = 600_000;

export interface Target {
  /** Without a slash at the end. */
  readonly url: string;
  readonly apiKey: string;
  /** Where nobody tells the stage of an upload: does so. */
  readonly uploaded?: (key: string, bytes: number) => Promise<void>;
}

type Body = Record<string, unknown>;

export function stageClient({ url, apiKey }: Target) {
  async function call(method: string, route: string, body?: Body, headers: Record<string, string> = {}) {
    const answer = await fetch(url + route, {
      method,
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  async function expectStatus(
    status: number,
    method: string,
    route: string,
    body?: Body,
    headers?: Record<string, string>,
  ): Promise<Body> {
    const answer = await call(method, route, body, headers);
    if (answer.status !== status)
      throw new Error(
        `${method} ${route} answered ${answer.status}, not ${status}: ${answer.text.slice(0, 500)}`,
      );
    return answer.text === '' || !answer.text.startsWith('{') ? {} : (JSON.parse(answer.text) as Body);
  }

  return {
    expectStatus,
    /** @returns the new job's id */
    submit: async (body: Body, headers?: Record<string, string>): Promise<string> =>
      String((await expectStatus(202, 'POST', '/v1/jobs', body, headers)).id),
    /** The job once it has ended; one that an upload makes may come a moment later. */
    async ended(id: string): Promise<Body> {
      const deadline = Date.now() + LONGEST_JOB_MS;
      while (Date.now() < deadline) {
        const { status, text } = await call('GET', `/v1/jobs/${id}?wait=20`);
        if (status === 200) {
          const job = JSON.parse(text) as Body;
          if (job.status !== 'queued' && job.status !== 'running') return job;
        } else if (status !== 404)
          throw new Error(`GET /v1/jobs/${id} answered ${status}: ${text.slice(0, 500)}`);
        else await sleep(500);
      }
      throw new Error(`The job ${id} did not end within ${LONGEST_JOB_MS / 1000} s.`);
    },
    async download(link: string): Promise<Buffer> {
      const answer = await fetch(link);
      if (answer.status !== 200) throw new Error(`A result answered ${answer.status}.`);
      return Buffer.from(await answer.arrayBuffer());
    },
  };
}
