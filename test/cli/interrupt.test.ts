/** Ctrl-C, kill and again: whatever ends the command, the same command goes on where it was and pays for nothing twice. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Outboard } from '../../client/outboard.ts';
import { API_KEY } from '../../local/settings.ts';
import { collect } from '../client/collect.ts';
import { startProxy } from '../client/proxy.ts';
import { noise, png } from '../e2e/pictures.ts';
import { setup } from '../e2e/setup.ts';
import { workplace } from './command.ts';

const { url } = setup(5810);
const api = new Outboard({ endpoint: url, apiKey: API_KEY });
const jobs = () => collect(api.jobs.list({ pageSize: 100 }));

/** A little work each; one of them is too large for a request and goes by an upload. */
async function pictures(seed: number): Promise<Record<string, Buffer>> {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const made = await Promise.all(names.map((_, index) => png(noise(300, 200, 3, seed + index))));
  const large = Buffer.concat([made[0] ?? Buffer.alloc(0), Buffer.alloc(4_000_000)]);
  return Object.fromEntries(
    names.map((name, index) => [`in/${name}.png`, index === 0 ? large : (made[index] ?? large)]),
  );
}

const RUN = ['run', 'in', '-o', 'out', '--scale', '2', '--concurrency', '3'];
const EXPECTED = ['a-x2.png', 'b-x2.png', 'c-x2.png', 'd-x2.png', 'e-x2.png'];

describe('a run that is interrupted', () => {
  it('by Ctrl-C leaves its jobs running and tells how to go on; the same command makes no job twice', async () => {
    const { folder, start, outboard } = await workplace(url, await pictures(10));
    const before = (await jobs()).length;
    const first = start(RUN);
    await first.said(/running|line/);
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/\d of 5 left.*The same command picks them up/);
    expect((await jobs()).filter(({ status }) => status === 'canceled')).toEqual([]);

    expect((await outboard(...RUN)).code).toBe(0);
    expect((await readdir(path.join(folder, 'out'))).sort()).toEqual(EXPECTED);
    expect((await jobs()).length - before).toBe(5);
  });

  it('by kill -9 at any moment goes on too', async () => {
    const { folder, start, outboard } = await workplace(url, await pictures(20));
    const before = (await jobs()).length;
    for (const words of [/running|line/, /done/, /d\.png/]) {
      const run = start(RUN);
      await run.said(words);
      run.child.kill('SIGKILL');
      await run.ended;
    }
    expect((await outboard(...RUN)).code).toBe(0);
    expect((await readdir(path.join(folder, 'out'))).sort()).toEqual(EXPECTED);
    expect((await jobs()).length - before).toBe(5);
  });

  it('by a second Ctrl-C ends at once', async () => {
    const asked = Promise.withResolvers<void>();
    const endpoint = await startProxy(url, async ({ request, pass }) => {
      // The job is never answered for: the command must wait for it, or it could not tell what it has started.
      if (request.method === 'POST') asked.resolve();
      else await pass();
    });
    const { start } = await workplace(endpoint, { 'a.png': await png(noise(9, 9)) });
    const run = start(['run', 'a.png']);
    await asked.promise;
    run.child.kill('SIGINT');
    await run.said('Ctrl-C again');
    expect(run.child.exitCode).toBeNull();
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
  });
});
