/**
 * A picture that takes the whole worker process with it, among many good ones: it is put in quarantine after three
 * workers, and everything else succeeds. The fault is injected into the device threads by test/inference/faulty-hooks.ts.
 */
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { Faults } from '../inference/faulty-session.ts';
import { noise, plain, png } from './pictures.ts';
import { setup } from './setup.ts';

const GOOD = 30;
const DEADLY = [255, 0, 255];
const faults: Faults = { abortsOn: DEADLY };
const hooks = new URL('../inference/faulty-hooks.ts', import.meta.url);

const { submit, ended, row, lines, send } = setup(5300, {
  OUTBOARD_LEASE_SECONDS: '5',
  OUTBOARD_TEST_FAULTS: JSON.stringify(faults),
  NODE_OPTIONS: `--import ${pathToFileURL(hooks.pathname).href}`,
});

it(`is the only one of ${GOOD + 1} jobs that fails`, { timeout: 600_000 }, async () => {
  const pictures = await Promise.all(
    Array.from({ length: GOOD }, (_, index) =>
      index % 3 === 0 ? plain(40 + index, 30) : png(noise(30 + index, 40, 3, index)),
    ),
  );
  const side = 16;
  const deadly = Array.from({ length: side * side }, () => DEADLY).flat();
  const poison = await png({ data: Buffer.from(deadly), width: side, height: side, channels: 3 });
  pictures.splice(7, 0, poison);
  const ids: string[] = [];
  for (const image of pictures) {
    ids.push((await submit({ image_base64: image.toString('base64'), upscale_factor: 2 })).id);
  }
  const jobs: Awaited<ReturnType<typeof ended>>[] = [];
  for (const id of ids) jobs.push(await ended(id));
  const [bad] = jobs.splice(7, 1);
  expect(jobs.filter(({ status }) => status !== 'succeeded')).toEqual([]);
  expect(bad).toMatchObject({
    status: 'failed',
    attempt: 3,
    error: { code: 'quarantined' },
    evidence: {
      model_version: 'super-resolution-tiny@1',
      phase: 'enlarging',
      input_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      worker: (await row(bad?.id ?? '')).worker,
    },
  });
  expect(lines.filter((line) => /^worker .*ended \(SIGABRT\)/.test(line))).toHaveLength(3);
  // Its neighbours were in hand once when it died; whoever was, ran alone afterwards and is not to blame.
  const attempts = await Promise.all(jobs.map(async ({ id }) => (await row(id)).attempt));
  expect(Math.max(...attempts)).toBeLessThanOrEqual(2);
  expect((await send('GET', '/v1/health')).status).toBe(200);
});
