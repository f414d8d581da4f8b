/** `outboard jobs | job | cancel | retry | models` against a real stack. */
import { describe, expect, it } from 'vitest';
import { Outboard } from '../../client/outboard.ts';
import { API_KEY } from '../../local/settings.ts';
import { noise, plain, png } from '../e2e/pictures.ts';
import { setup } from '../e2e/setup.ts';
import { startReceiver } from '../webhooks/receiver.ts';
import { COMMAND, workplace } from './command.ts';

const { url } = setup(5820);
const api = new Outboard({ endpoint: url, apiKey: API_KEY });
const blob = (bytes: Buffer): Blob => new Blob([new Uint8Array(bytes)]);

describe('the commands about jobs', () => {
  it('show, cancel and run again', async () => {
    const { outboard } = await workplace(url);
    const { id } = await api.submit('super-resolution', blob(await plain(2500, 2000)));
    expect((await outboard('cancel', id)).stdout).toBe(`${id} canceled\n`);
    expect((await outboard('jobs', '--status', 'canceled')).stdout).toMatch(
      new RegExp(`^ID .*\n${id} +canceled `),
    );
    expect((await outboard('retry', id)).stdout).toBe(`${id} queued\n`);
    expect(await outboard('retry', id)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: /) });
    await api.jobs.cancel(id);
    expect((await outboard('job', id)).stdout).toMatch(new RegExp(`^id +${id}\nstatus +canceled\n`));
    expect(await outboard('job', `job_${'a'.repeat(24)}`)).toMatchObject({ code: 1 });
  });

  it('list as many as asked for, for people and for programs', async () => {
    const { outboard, start } = await workplace(url);
    for (let seed = 0; seed < 3; seed += 1) {
      const { id } = await api.submit('super-resolution', blob(await png(noise(9, 9, 3, seed))), {
        upscale_factor: 2,
      });
      await api.wait(id);
    }
    const { stdout } = await outboard('jobs', '--limit', '2', '--json');
    const listed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(listed).toMatchObject([{ status: 'succeeded' }, { status: 'succeeded' }]);
    expect((await outboard('jobs')).stdout).toMatch(
      /^ID +STATUS +MODEL +CREATED +TOOK\njob_\w+ +succeeded +super-resolution-tiny@1 /,
    );
    const { code, stdout: head } = await start(
      ['-c', `set -o pipefail; ${process.execPath} ${COMMAND} jobs --limit 100 --json | head -c 1`],
      ['/bin/bash'],
    ).ended;
    expect({ code, head }).toEqual({ code: 0, head: '{' });
  });

  it('show models, and the parameters of one', async () => {
    const { outboard } = await workplace(url);
    expect((await outboard('models')).stdout).toMatch(
      /^super-resolution-tiny +super-resolution +1 +super-resolution /m,
    );
    expect((await outboard('models', 'super-resolution')).stdout).toMatch(/^upscale_factor +2, 4 or 8 +4 /m);
    expect(await outboard('models', 'none')).toMatchObject({ code: 1 });
  });

  it('want a key for a stage that is not local', async () => {
    const { start } = await workplace(url);
    const withoutKey = [
      '-u',
      'OUTBOARD_API_KEY',
      process.execPath,
      COMMAND,
      'jobs',
      '--endpoint',
      'https://stage.example',
    ];
    expect(await start(withoutKey, ['/usr/bin/env']).ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('OUTBOARD_API_KEY'),
    });
  });

  it('tell how they are used, without an error', async () => {
    const { outboard } = await workplace(url);
    expect(await outboard('run', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Exit codes'),
    });
    expect(await outboard('nonsense')).toMatchObject({ code: 2 });
  });
});

describe('the command about webhooks', () => {
  it('shows and rotates the secrets, tells what became of an event, and sends it again', async () => {
    const { outboard } = await workplace(url);
    const receiver = await startReceiver();
    const secret = (await outboard('webhook', 'secret')).stdout.trim();
    expect(secret).toMatch(/^whsec_\S+$/);
    const rotated = (await outboard('webhook', 'rotate')).stdout.trim().split('\n');
    expect(rotated).toEqual([expect.stringMatching(/^whsec_\S+$/), `${secret} (the one before)`]);
    const picture = blob(await png(noise(9, 9, 3, 7)));
    const { id } = await api.submit('super-resolution', picture, { webhook: { url: receiver.url } });
    const shown = async () => (await outboard('webhook', 'deliveries', id)).stdout;
    await expect
      .poll(shown, { timeout: 20_000 })
      .toMatch(/^ID .*\nwhd_\w+ +job\.succeeded +delivered +1 +204 +-/);
    const [delivery] = await api.webhooks.deliveries(id);
    const again = await outboard('webhook', 'redeliver', id, delivery?.id ?? '');
    expect(again.stdout).toBe(`${delivery?.id} pending\n`);
    await expect.poll(() => receiver.ids()).toEqual([delivery?.id, delivery?.id]);
    expect(await outboard('webhook', 'redeliver', id, 'whd_none')).toMatchObject({ code: 1 });
  });
});
