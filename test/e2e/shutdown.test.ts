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

const running = (id: string) => until(async () => (await job(id)).progress?.phase === 'enlarging');

it('a worker that is told to leave finishes or gives back what it has, and no attempt is counted for that', async () => {
  // The long one cannot end within the second that a shutdown grants here; the others wait or end.
  const long = await submitPlain(2000, 1500, 2);
  await running(long);
  const others = await Promise.all([1, 2, 3, 4, 5, 6].map(() => submitPlain(200, 200, 2)));
  const pid = workerPid();
  process.kill(pid, 'SIGTERM');
  await until(async () => lines.some((line) => /^worker {2}ended \(0\)/.test(line)));
  expect(await row(long)).toMatchObject({ attempt: 0, fence: 1, status: 'queued' });

  for (const id of [long, ...others]) {
    expect(await ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(await keys('results', `results/${id}/`)).toHaveLength(2);
  }
  expect(workerPid()).not.toBe(pid);
});

it('a stack that is closed leaves no process behind, and goes on with its open jobs when it starts again', async () => {
  const image_base64 = (await png(noise(30, 30))).toString('base64');
  const done = await ended((await submit({ image_base64 })).id);
  const long = await submitPlain(2000, 1500, 2);
  await running(long);
  const waiting = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => submitPlain(300, 300, 2)));
  const before = await descendants();
  expect(before.length).toBeGreaterThanOrEqual(2);

  await close();
  expect((await descendants()).filter((pid) => before.includes(pid))).toEqual([]);
  await expect(send('GET', '/v1/health')).rejects.toThrow('fetch failed');

  await reopen();
  for (const id of [long, ...waiting]) expect(await ended(id)).toMatchObject({ status: 'succeeded' });
  expect(await row(long)).toMatchObject({ attempt: 1, fence: 2 });
  expect(await job(done.id)).toMatchObject({ status: 'succeeded', finished_at: done.finished_at });
  expect((await send('POST', '/v1/jobs', { image_base64 }, { prefer: 'wait=20' })).status).toBe(200);
});
