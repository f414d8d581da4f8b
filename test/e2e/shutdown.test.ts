/** Ending in good order: the worker by SIGTERM, and the whole stack. */
import { expect, it } from 'vitest';
import { noise, plain, png } from './pictures.ts';
import { descendants, setup, until } from './setup.ts';

const { submit, job, ended, row, workerPid, lines, close, reopen, keys, send } = setup(4500, {
  OUTBOARD_SHUTDOWN_SECONDS: '1',
});

async function submitPlain(width: number, height: number, upscale_factor: number): Promise<string> {
  const image_base64 = (await plain(width, height)).toString('base64');
  return (await submit({ image_base64, upscale_factor })).id;
}

/** Far more work than fits into the second that a shutdown grants here. */
async function startLong(): Promise<string> {
  const id = await submitPlain(4000, 3000, 4);
  await enlarging(id);
  return id;
}
const enlarging = (id: string) => until(async () => (await job(id)).progress?.phase === 'enlarging');
const submitShort = () => Promise.all([1, 2, 3, 4, 5, 6].map(() => submitPlain(300, 300, 2)));

it('a worker that is told to leave finishes or gives back what it has, and no attempt is counted for that', async () => {
  const long = await startLong();
  const short = await submitShort();
  const pid = workerPid();
  process.kill(pid, 'SIGTERM');
  await until(async () => lines.some((line) => line.startsWith('worker  ended (0)')));
  expect(await row(long)).toMatchObject({ status: 'queued', attempt: 0, fence: 1 });

  await enlarging(long);
  expect(await row(long)).toMatchObject({ status: 'running', attempt: 1, fence: 2 });
  expect(workerPid()).not.toBe(pid);
  await send('POST', `/v1/jobs/${long}/cancel`);
  for (const id of short) {
    expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(await keys('results', `results/${id}/`)).toHaveLength(2);
  }
});

it('a stack that is closed leaves no process behind, and goes on with its open jobs when it starts again', async () => {
  const image_base64 = (await png(noise(30, 30))).toString('base64');
  const done = await ended((await submit({ image_base64 })).id);
  const long = await startLong();
  const short = await submitShort();
  const before = await descendants();
  expect(before).toContain(workerPid());

  await close();
  expect((await descendants()).filter((pid) => before.includes(pid))).toEqual([]);
  await expect(send('GET', '/v1/health')).rejects.toThrow('fetch failed');

  await reopen();
  await enlarging(long);
  expect(await row(long)).toMatchObject({ attempt: 1, fence: 2 });
  await send('POST', `/v1/jobs/${long}/cancel`);
  for (const id of short) expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  expect(await job(done.id)).toMatchObject({ status: 'succeeded', finished_at: done.finished_at });
  expect((await send('POST', '/v1/jobs', { image_base64 }, { prefer: 'wait=20' })).status).toBe(200);
});
