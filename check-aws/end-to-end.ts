/**
 * What a client does with a stage, from the first picture to its erasure, over HTTP alone: the same for the local stack,
 * for the functions on emulators and for a live stage. What comes back is told, so that two stages can be compared.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { stageClient, type Target } from './stage-client.ts';
import type { Tally } from './tally.ts';

const LOOKS = 10;
const FIXTURES = path.resolve(import.meta.dirname, '../test/fixtures');
const SHA256_OF = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const ENLARGED = z.object({ sr_image_url: z.string(), original_image_url: z.string(), width: z.number() });
const LISTED = z.array(z.object({ id: z.string() }));
const CLASSIFIED = z.object({ predictions: z.array(z.unknown()).min(1) });

/** By the name of a step, what it gave: hashes of pictures, predictions. */
export type Answers = Readonly<Record<string, unknown>>;

export async function endToEnd(target: Target, name: string, tally: Tally): Promise<Answers> {
  const photo = await readFile(path.join(FIXTURES, 'photo.jpg'));
  const inline = { image_base64: photo.toString('base64'), image_name: 'photo.jpg' };
  const { expectStatus, ended, download, submit } = stageClient(target);
  const answers: Record<string, unknown> = {};
  const created = new Set<string>();
  const step = (title: string, run: () => Promise<void>) => tally.check(`${name}: ${title}`, run);

  await step('health is ok and models are listed', async () => {
    const health = await expectStatus(200, 'GET', '/v1/health');
    must(health.status === 'ok', `health is ${JSON.stringify(health)}`);
    const { models } = await expectStatus(200, 'GET', '/v1/models');
    must(Array.isArray(models) && models.length > 0, 'there are no models');
  });

  await step('a call without a key is refused', async () => {
    await expectStatus(403, 'GET', '/v1/jobs', undefined, { 'x-api-key': 'wrong' });
  });

  const enlarged = async (title: string, id: string) => {
    created.add(id);
    const job = await ended(id);
    must(job.status === 'succeeded', `the job is ${JSON.stringify(job)}`);
    const output = ENLARGED.parse(job.output);
    answers[title] = {
      width: output.width,
      sr_image: SHA256_OF(await download(output.sr_image_url)),
      original_image: SHA256_OF(await download(output.original_image_url)),
    };
  };

  await step('a picture sent inline is enlarged', async () => {
    await enlarged('inline x4', await submit({ ...inline, upscale_factor: 4 }));
  });

  await step('a repeat with the same Idempotency-Key finds the job, another body is refused', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await submit({ ...inline, upscale_factor: 2 }, headers);
    created.add(first);
    must((await submit({ ...inline, upscale_factor: 2 }, headers)) === first, 'the repeat made another job');
    await expectStatus(422, 'POST', '/v1/jobs', { ...inline, upscale_factor: 4 }, headers);
    await ended(first);
  });

  await step('a file uploaded by form is enlarged without another call', async () => {
    const request = { content_type: 'image/jpeg', upscale_factor: 2, image_name: 'photo.jpg' };
    const upload = z
      .object({
        url: z.string(),
        fields: z.record(z.string(), z.string()),
        job: z.object({ id: z.string() }),
      })
      .parse(await expectStatus(201, 'POST', '/v1/uploads', request));
    const form = new FormData();
    for (const [field, value] of Object.entries(upload.fields)) form.append(field, value);
    form.append('file', new Blob([new Uint8Array(photo)]), 'photo.jpg');
    const { status } = await fetch(upload.url, { method: 'POST', body: form });
    must(status === 204, `the upload answered ${status}`);
    await target.uploaded?.(upload.fields.key ?? '', photo.length);
    await enlarged('upload x2', upload.job.id);
  });

  await step('the same picture classified twice comes from the cache the second time', async () => {
    const seen: unknown[] = [];
    for (const _ of [1, 2]) {
      const id = await submit({ ...inline, model: 'classification', top_k: 3 });
      created.add(id);
      const job = await ended(id);
      must(job.status === 'succeeded', `the job is ${JSON.stringify(job)}`);
      seen.push([job.cache, CLASSIFIED.parse(job.output).predictions]);
    }
    const [[firstCache, first], [secondCache, second]] = seen as [[string, unknown], [string, unknown]];
    must(secondCache === 'hit', `cache was ${firstCache}, then ${secondCache}`);
    must(JSON.stringify(first) === JSON.stringify(second), 'the stored answer is another one');
    answers.classification = first;
  });

  await step('a job is canceled, once for all', async () => {
    const id = await submit({ ...inline, upscale_factor: 8 });
    created.add(id);
    const canceled = await expectStatus(200, 'POST', `/v1/jobs/${id}/cancel`);
    must(canceled.status === 'canceled', `it is ${canceled.status}`);
    must((await ended(id)).status === 'canceled', 'it came back to life');
  });

  await step('the list has the jobs, newest first', async () => {
    const newestFirst = [...created].reverse().join();
    let listed = '';
    // The index follows the table a moment later.
    for (let look = 0; look < LOOKS && listed !== newestFirst; look += 1) {
      if (look > 0) await sleep(1_000);
      const { jobs } = await expectStatus(200, 'GET', '/v1/jobs?limit=100');
      const ids = LISTED.parse(jobs).map(({ id }) => id);
      listed = ids.filter((id) => created.has(id)).join();
    }
    must(listed === newestFirst, `it has ${listed}, not ${newestFirst}`);
  });

  await step('erased jobs are gone, and what they made with them', async () => {
    for (const id of created) {
      const { output } = await expectStatus(200, 'GET', `/v1/jobs/${id}`);
      await expectStatus(204, 'DELETE', `/v1/jobs/${id}`);
      await expectStatus(404, 'GET', `/v1/jobs/${id}`);
      const picture = ENLARGED.safeParse(output).data?.sr_image_url;
      if (picture !== undefined) {
        // 403 where those who signed the link may not list the bucket.
        const { status } = await fetch(picture);
        must(status === 404 || status === 403, `${id} left its picture: ${status}`);
      }
    }
  });
  return answers;
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
