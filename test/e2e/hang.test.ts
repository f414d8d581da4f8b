/**
 * A run of the device that never returns, blocked where nothing in the process can reach it, among good jobs: the worker
 * ends, the leases bring the jobs back, and only the job that hangs every worker fails.
 */
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { Faults } from '../inference/faulty-session.ts';
import { noise, png } from './pictures.ts';
import { setup } from './setup.ts';

const GOOD = 12;
const BLOCKING = [255, 0, 255];
const faults: Faults = { hangsOn: BLOCKING };
const hooks = new URL('../inference/faulty-hooks.ts', import.meta.url);

const { submit, ended, lines } = setup(6320, {
  OUTBOARD_LEASE_SECONDS: '5',
  OUTBOARD_HUNG_SECONDS: '10',
  OUTBOARD_TEST_FAULTS: JSON.stringify(faults),
  NODE_OPTIONS: `--import ${pathToFileURL(hooks.pathname).href}`,
});

it('ends its worker and no job but its own', { timeout: 300_000 }, async () => {
  const side = 16;
  const blocking = Array.from({ length: side * side }, () => BLOCKING).flat();
  const pictures = [
    await png({ data: Buffer.from(blocking), width: side, height: side, channels: 3 }),
    ...(await Promise.all(Array.from({ length: GOOD }, (_, seed) => png(noise(30 + seed, 20, 3, seed))))),
  ];
  const ids: string[] = [];
  for (const image of pictures) {
    ids.push((await submit({ image_base64: image.toString('base64'), upscale_factor: 2 })).id);
  }
  const jobs: Awaited<ReturnType<typeof ended>>[] = [];
  for (const id of ids) jobs.push(await ended(id));
  const [bad, ...good] = jobs;
  expect(good.filter(({ status }) => status !== 'succeeded')).toEqual([]);
  expect(bad).toMatchObject({ status: 'failed', attempt: 3, error: { code: 'quarantined' } });
  expect(lines.filter((line) => /did not finish "picture" within 10000 ms/.test(line))).toHaveLength(3);
  expect(lines.filter((line) => /^worker .*ended \(/.test(line))).toHaveLength(3);
});
