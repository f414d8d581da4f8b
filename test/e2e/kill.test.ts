/**
 * Killing the worker again and again: every job ends well all the same, once, and soon. OUTBOARD_TEST_JOBS sets how
 * many jobs there are and OUTBOARD_TEST_LEASE_SECONDS their lease; the defaults are for a short run.
 * How soon is asserted for a job with an empty queue behind it: a message that comes back is not first in line.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Job } from '../../shared/job.ts';
import { seededRandom } from '../torture/dice.ts';
import { noise, plain, png } from './pictures.ts';
import { setup, until } from './setup.ts';

const JOBS = Number(process.env.OUTBOARD_TEST_JOBS ?? 60);
const LEASE_SECONDS = process.env.OUTBOARD_TEST_LEASE_SECONDS ?? '5';
const KILLS = 5;
/** The promise is 45 s with the default lease of 30. */
const RECOVERY_MS = (Number(LEASE_SECONDS) + 15) * 1000;
const seed = Number(process.env.OUTBOARD_TEST_SEED ?? randomInt(2 ** 31));

const { send, submit, ended, job, keys, row, workerPid, workerId, lines } = setup(4300, {
  OUTBOARD_LEASE_SECONDS: LEASE_SECONDS,
  // Kills come every few seconds here, whoever is in hand: that says nothing about a job that meets three of them.
  OUTBOARD_QUARANTINE_AFTER: '100',
});

/** Small and medium pictures, from one tile to a dozen. */
async function submitAll(next: () => number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < JOBS; index += 1) {
    const side = () => 10 + Math.floor(next() ** 2 * 500);
    const [width, height] = [side(), side()];
    const image = index % 2 === 0 ? png(noise(width, height, 3, index % 256)) : plain(width, height);
    const fields = { image_base64: (await image).toString('base64'), upscale_factor: [2, 4][index % 2] };
    ids.push((await submit(fields)).id);
  }
  return ids;
}

interface Interrupted {
  readonly id: string;
  readonly fence: number;
  readonly killedAt: number;
}

/** Ends the worker of this moment. @returns the jobs that it had in hand, as the table knows them */
async function kill(ids: readonly string[]): Promise<Interrupted[]> {
  const worker = await workerId();
  process.kill(workerPid(), 'SIGKILL');
  const killedAt = Date.now();
  const rows = await Promise.all(ids.map(row));
  const held = (job: Job) => job.status === 'running' && job.worker === worker;
  return rows.filter(held).map(({ id, fence }) => ({ id, fence, killedAt }));
}

/** Milliseconds from the kill to the start of the next attempt; undefined where its last write still came through. */
async function recovery({ id, fence, killedAt }: Interrupted): Promise<number | undefined> {
  let job = await row(id);
  await until(async () => {
    job = await row(id);
    return job.fence > fence || job.status !== 'running';
  });
  return job.fence > fence ? Date.parse(job.started_at ?? '') - killedAt : undefined;
}

it(`${JOBS} jobs succeed, each once, through ${KILLS} kills of the worker`, {
  timeout: 1_200_000,
}, async () => {
  console.log(`seed ${seed}: OUTBOARD_TEST_SEED=${seed} repeats this run`);
  const next = seededRandom(seed);
  const ids = await submitAll(next);
  const recoveries: Promise<PromiseSettledResult<number | undefined>[]>[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const ready = () => lines.filter((line) => /^worker .* ready /.test(line)).length;
    await until(async () => ready() > round);
    await sleep(200 + next() * 2_500);
    recoveries.push(Promise.allSettled((await kill(ids)).map(recovery)));
  }
  const failed = [];
  for (const id of ids) {
    const job = await ended(id);
    if (job.status !== 'succeeded') failed.push(job);
  }
  const waits = (await Promise.all(recoveries))
    .flat()
    .map((result) => (result.status === 'fulfilled' ? result.value : Number.POSITIVE_INFINITY))
    .filter((wait) => wait !== undefined);

  expect(failed).toEqual([]);
  expect(waits.length).toBeGreaterThan(0);
  for (const id of ids) {
    const { fence, output } = await row(id);
    const files = Object.values(output?.files ?? {}).map(({ key }) => key);
    expect(await keys('results', `results/${id}/`), id).toEqual(files.toSorted());
    expect(files.every((key) => key.startsWith(`results/${id}/${fence}/`))).toBe(true);
  }
  const sorted = waits.toSorted((a, b) => a - b).map((wait) => (wait / 1000).toFixed(1));
  console.log(`${waits.length} attempts were cut off; seconds until the next one: ${sorted.join(' ')}`);
});

it('a job whose worker is killed runs again soon after its lease has ended', {
  timeout: 300_000,
}, async () => {
  const image_base64 = (await plain(4000, 3000)).toString('base64');
  const { id } = await submit({ image_base64, upscale_factor: 4 });
  for (const attempt of [1, 2]) {
    await until(async () => (await job(id)).progress?.phase === 'enlarging');
    const [interrupted] = await kill([id]);
    expect(interrupted).toMatchObject({ id, fence: attempt });
    if (interrupted !== undefined) expect(await recovery(interrupted)).toBeLessThan(RECOVERY_MS);
  }
  expect(await row(id)).toMatchObject({ status: 'running', attempt: 3, fence: 3 });
  await send('POST', `/v1/jobs/${id}/cancel`);
});
