/**
 * A model whose graph throws at run time for one picture, whatever else is in its run, on a worker that forms batches: the
 * picture is found, fails alone, and the others of its batches are answered rightly by the same process.
 */
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { connectModels } from '../../shared/aws/connect-catalog.ts';
import type { Faults } from '../inference/faulty-session.ts';
import { POISON, writePoisonable } from '../inference/setup.ts';
import { makePackage } from '../models/packages.ts';
import { decode, noise, png, type Raw } from './pictures.ts';
import { setup, until } from './setup.ts';

const JOBS = 40;
const POISONED = [3, 4, 17, 33];
const BATCH = 8;
const SENT_AT_ONCE = 8;
/** Runs long enough that others wait meanwhile: what waits is what forms batches. */
const faults: Faults = { sleepMs: 500 };
const hooks = new URL('../inference/faulty-hooks.ts', import.meta.url);

const { submit, ended, download, send, workerPid, directory, settings, ports } = setup(6240, {
  OUTBOARD_BATCH_SIZE: String(BATCH),
  OUTBOARD_DEVICE_THREADS: '1',
  OUTBOARD_CONCURRENT_JOBS: String(BATCH * 3),
  OUTBOARD_JOB_MAX_ATTEMPTS: '2',
  OUTBOARD_MODEL_REFRESH_SECONDS: '1',
  OUTBOARD_TEST_FAULTS: JSON.stringify(faults),
  NODE_OPTIONS: `--import ${pathToFileURL(hooks.pathname).href}`,
});

beforeAll(async () => {
  const network = { file: await writePoisonable(), scale: 1, output: 'same' };
  const { repository } = connectModels({
    ...settings,
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${ports.s3}`,
    OUTBOARD_MODELS_BUCKET: 'outboard-local-models',
  });
  await repository.publish(await makePackage(directory(), 'mirror', '1', {}, network));
  await until(async () => (await send('GET', '/v1/models/mirror')).status === 200);
}, 180_000);

it('is halved until the picture at fault stands alone', { timeout: 300_000 }, async () => {
  const pid = workerPid();
  const side = 32;
  const pictures = Array.from({ length: JOBS }, (_, seed): Raw => {
    const raw = noise(side, side, 3, seed);
    raw.data[0] = POISONED.includes(seed) ? POISON : seed;
    return raw;
  });
  const ids: string[] = [];
  for (let first = 0; first < JOBS; first += SENT_AT_ONCE) {
    const sent = pictures.slice(first, first + SENT_AT_ONCE).map(async (raw) => {
      const image_base64 = (await png(raw)).toString('base64');
      return (await submit({ model: 'mirror', upscale_factor: 1, image_base64 })).id;
    });
    ids.push(...(await Promise.all(sent)));
  }
  for (const [index, id] of ids.entries()) {
    const { status, error, output } = await ended(id);
    if (POISONED.includes(index)) {
      expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'model_failed' } });
      continue;
    }
    expect(status, error?.code).toBe('succeeded');
    const { data } = await decode(await download(output?.sr_image_url));
    expect(data.equals(pictures[index]?.data ?? Buffer.alloc(0)), `picture ${index}`).toBe(true);
  }
  expect(workerPid(), 'the worker lives on').toBe(pid);
  // Without batches this test would show nothing.
  const told = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
  const fill = (part: string) =>
    Number(
      new RegExp(`^outboard_batch_fill_ratio_${part}\\{lane="mirror.* ${side}x${side}"\\} (.+)$`, 'm').exec(
        told,
      )?.[1],
    );
  expect((fill('sum') / fill('count')) * BATCH).toBeGreaterThan(1.5);
});
