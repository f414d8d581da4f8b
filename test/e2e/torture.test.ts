/**
 * Many random jobs on two workers that are killed at random moments. At the end every job has ended once, as it must; every
 * answer is the one that plain onnxruntime gives for the whole picture; and no object, message or scratch file is left
 * that belongs to nobody. `npm run torture` is the long run; OUTBOARD_TEST_SEED repeats one.
 */
import { randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { credentials, names } from '../../local/settings.ts';
import { startWorker } from '../../local/worker-process.ts';
import { isTerminal, type Job } from '../../shared/job.ts';
import { testPort } from '../port.ts';
import { LINKED, type Sent, torturer } from '../torture/client.ts';
import { Dice } from '../torture/dice.ts';
import { planJobs } from '../torture/plan.ts';
import { type Change, endOf, strangers, table, wrongAnswer, wrongEnd } from '../torture/verdict.ts';
import { Witness } from '../torture/witness.ts';
import { setup, until } from './setup.ts';

const JOBS = Number(process.env.OUTBOARD_TEST_JOBS ?? 40);
const KILLS = Number(process.env.OUTBOARD_TEST_KILLS ?? 3);
const MEGAPIXELS = Number(process.env.OUTBOARD_TEST_MEGAPIXELS ?? 1);
/** The short run has the same jobs each time; its kills fall where the machine's pace lets them. */
const isShort = process.env.OUTBOARD_TEST_JOBS === undefined;
const seed = Number(process.env.OUTBOARD_TEST_SEED ?? (isShort ? 20_261 : randomInt(2 ** 31)));
/** Kills say nothing about the jobs that meet them here, so neither attempts nor deaths are counted out. */
const ATTEMPTS = 1_000;
const SENDERS = 4;
const SECOND = 'second';

const environment = {
  OUTBOARD_LEASE_SECONDS: '5',
  OUTBOARD_JOB_MAX_ATTEMPTS: String(ATTEMPTS),
  OUTBOARD_QUARANTINE_AFTER: String(ATTEMPTS),
  // Two workers share the cores of one machine.
  OUTBOARD_DEVICE_THREADS: '1',
};
const { send, keys, ports, lines, workerPid, directory } = setup(6310, environment);

/** Messages that wait or are hidden. */
async function messages(queue: string): Promise<number> {
  const endpoint = `http://127.0.0.1:${ports.sqs}`;
  const client = new SQSClient({ endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false });
  const QueueUrl = `${endpoint}/000000000000/${queue}`;
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  client.destroy();
  return (
    Number(Attributes?.ApproximateNumberOfMessages) +
    Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

function isKilled(pid: number): boolean {
  // 0 would be this process and all its own.
  if (pid === 0) return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

const entriesBelow = (folder: string): Promise<string[]> =>
  readdir(folder, { recursive: true }).catch(() => []);

it(`${JOBS} random jobs end rightly, each once, through ${KILLS} kills`, { timeout: 7_200_000 }, async () => {
  console.log(`seed ${seed}: OUTBOARD_TEST_SEED=${seed} repeats this run`);
  const plan = planJobs({ seed, jobs: JOBS, megapixels: MEGAPIXELS });
  const stand = torturer(testPort(6310), directory(), send, ATTEMPTS);
  const second = await startWorker({
    environment: {
      ...stand.environment,
      ...environment,
      OUTBOARD_METRICS_PORT: '0',
      OUTBOARD_WORKER_ID: SECOND,
    },
    print: (line) => lines.push(line),
  });
  const witness = new Witness(`http://127.0.0.1:${ports.dynamodb}`);
  witness.start();
  const begun = performance.now();
  try {
    const dice = new Dice(seed + 1);
    const sent: Sent[] = [];
    const hasWork = (isSecond: boolean): boolean =>
      [...witness.rows.values()].some(
        ({ status, worker }) => status === 'running' && (worker === SECOND) === isSecond,
      );
    const killing = (async () => {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const isSecond = dice.chance(0.5);
        // Most die in the middle of jobs, some while they start or wait.
        if (dice.chance(0.8)) await until(async () => hasWork(isSecond) || sent.length === plan.length);
        await sleep(dice.roll() * 3_000);
        // One that is dead already is started anew in a moment.
        await until(async () => isKilled(isSecond ? (second.pid ?? 0) : workerPid()));
      }
    })();

    const changes = new Map<string, Change>();
    const changing: Promise<void>[] = [];
    const waiting = [...plan];
    const sender = async () => {
      for (let planned = waiting.shift(); planned !== undefined; planned = waiting.shift()) {
        const job = await stand.send(planned);
        sent.push(job);
        const { change } = planned;
        if (change !== undefined && job.id !== undefined) changing.push(alter(job.id, change));
      }
    };
    const alter = async (id: string, { kind, afterMs }: NonNullable<(typeof plan)[number]['change']>) => {
      await sleep(afterMs);
      const ask = () =>
        kind === 'cancel' ? send('POST', `/v1/jobs/${id}/cancel`) : send('DELETE', `/v1/jobs/${id}`);
      let { status } = await ask();
      // An uploaded file becomes a job a moment after the upload.
      for (; status === 404; { status } = await ask()) await sleep(200);
      changes.set(id, { kind, status });
    };
    await Promise.all(Array.from({ length: SENDERS }, sender));
    const accepted = performance.now();
    await Promise.all([killing, ...changing]);

    let rows: ReadonlyMap<string, Job> = new Map();
    await until(async () => {
      await sleep(1_000);
      rows = await witness.look();
      return sent.every(({ id }) => {
        const row = rows.get(id ?? '');
        return (
          id === undefined ||
          changes.get(id)?.kind === 'erase' ||
          (row !== undefined && isTerminal(row.status))
        );
      });
    });
    const ended = performance.now();
    // What comes back after its visibility is deleted by whoever sees that its job is over.
    await until(async () => (await messages(names.queue)) === 0);
    const drained = performance.now();
    rows = await witness.look();
    witness.stop();

    const wrong: string[] = [...witness.changed.map((change) => `changed after its end: ${change}`)];
    const compared: [string, string][] = [];
    for (const job of sent) {
      const row = rows.get(job.id ?? '');
      const change = changes.get(job.id ?? '');
      const what = `${job.id} ${JSON.stringify(job.planned)}`;
      const end = wrongEnd(job, row, change);
      if (end !== undefined) wrong.push(`${what} ${end}`);
      if (row?.status !== 'succeeded') continue;
      const answer = await wrongAnswer(job, row, stand.results);
      if (answer !== undefined) wrong.push(`${what}: ${answer}`);
      compared.push([job.planned.task, answer === undefined ? 'as onnxruntime' : 'otherwise']);
    }
    const said = lines.flatMap((line) => /job succeeded .*job_id=(\w+)/.exec(line)?.[1] ?? []);
    const twice = said.filter((id, index) => said.indexOf(id) !== index);
    const uploads = (await keys('uploads', '')).filter((key) => !key.startsWith(LINKED));
    const left = {
      twice,
      objects: strangers({ uploads, results: await keys('results', '') }, rows),
      'dead letters': await messages(names.deadLetters),
      'scratch files': await entriesBelow(path.join(directory(), 'scratch')),
    };

    const kindOf = ({ planned: { picture, change } }: Sent) =>
      typeof picture === 'string'
        ? 'broken'
        : change === undefined
          ? 'good'
          : `good, client wants ${change.kind}`;
    const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(0)} s`;
    console.log(
      [
        table(
          'jobs',
          sent.map((job) => [kindOf(job), endOf(job, rows.get(job.id ?? ''))]),
        ),
        table('compared', compared),
        table(
          'format',
          sent.map(({ planned: { picture, task } }) => [
            typeof picture === 'string' ? 'broken' : picture.format,
            task,
          ]),
        ),
        table(
          'attempts',
          [...rows.values()].map(({ attempt, task }) => [String(attempt), task]),
        ),
        `${KILLS} kills; accepted after ${seconds(begun, accepted)}, ended after ${seconds(begun, ended)}, ` +
          `queue empty ${seconds(ended, drained)} later, compared in ${seconds(drained, performance.now())}`,
      ].join('\n\n'),
    );
    expect(wrong).toEqual([]);
    expect(left).toEqual({ twice: [], objects: [], 'dead letters': 0, 'scratch files': [] });
    expect(sent).toHaveLength(JOBS);
  } finally {
    witness.stop();
    await second.close();
  }
});
