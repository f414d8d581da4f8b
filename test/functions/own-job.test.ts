/** What a tenant can do to a job: cancel, retry and erase its own, and never another's. */
import { expect, it } from 'vitest';
import { cancelJob } from '../../functions/cancel-job.ts';
import { deleteJob } from '../../functions/delete-job.ts';
import { getJob } from '../../functions/get-job.ts';
import { listJobs } from '../../functions/list-jobs.ts';
import { retryJob } from '../../functions/retry-job.ts';
import { inputKey, uploadKey } from '../../shared/aws/input-keys.ts';
import { resultKey } from '../../shared/aws/object-store.ts';
import { OutboardError } from '../../shared/errors.ts';
import { type Job, newJobId } from '../../shared/job.ts';
import { queuedJob } from '../job/services.ts';
import { exists, PNG, useFunctions } from './setup.ts';

const setup = useFunctions();
const reason = new OutboardError('model_failed').toPublic();
const png = { contentType: 'image/png' };

async function open(changes: Partial<Job> = {}) {
  const bundle = await setup();
  const { jobs, tenant, request, results, uploads, settings } = bundle;
  const job = queuedJob({ tenant, ...changes });
  const { id } = job;
  await jobs.create(job);
  const own = request({ path: { id } });
  const routes = {
    get: getJob({ jobs, results, uploads, queued: bundle.queued, grant: bundle.grant, linkSeconds: 60 }),
    cancel: cancelJob(jobs),
    retry: retryJob(bundle, settings),
    erase: deleteJob(bundle),
  };
  return { ...bundle, job, id, own, routes, row: () => jobs.get(id) };
}

it('shows a job to its tenant alone, and tells nobody else that it exists', async () => {
  const { routes, own, request, id, row } = await open();
  const before = await row();
  const strangers = [
    { ...own, tenant: 'another' },
    request({ path: { id: newJobId() } }),
    request({ path: { id: `${id}x` } }),
    request({ path: { id: '' } }),
    request(),
  ];
  for (const stranger of strangers) {
    for (const route of Object.values(routes)) {
      await expect(route(stranger)).rejects.toMatchObject({ code: 'job_not_found', httpStatus: 404 });
    }
  }
  expect(await row()).toEqual(before);
  expect(await routes.get(own)).toMatchObject({ status: 200, body: { id, status: 'queued' } });
});

it('cancels an open job, and says so again when it is asked again', async () => {
  const { routes, own, jobs, id, row } = await open();
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  expect(await routes.cancel(own)).toMatchObject({ status: 200, body: { status: 'canceled' } });
  const canceled = await row();
  expect(await routes.cancel(own)).toMatchObject({ status: 200, body: { status: 'canceled' } });
  expect(await row()).toEqual(canceled);
});

it('cannot cancel what has ended otherwise', async () => {
  const { routes, own, jobs, id } = await open();
  await jobs.end(id, 'failed', new Date(), reason);
  await expect(routes.cancel(own)).rejects.toMatchObject({ code: 'job_finished', httpStatus: 409 });
});

it.each(['failed', 'expired', 'canceled'] as const)('runs a job again that ended as %s', async (status) => {
  const { routes, own, jobs, id, row, takeAll } = await open();
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  await jobs.end(id, status, new Date(), reason);
  expect(await routes.retry(own)).toMatchObject({ status: 202, body: { id, status: 'queued', attempt: 0 } });
  expect(await takeAll()).toEqual([id]);
  expect(await row()).toMatchObject({ status: 'queued', fence: 1, enqueued_at: expect.any(String) });
  expect(await row()).not.toHaveProperty('error');
});

it('gives a job that is run again a whole new life: deadline, and time until the row goes', async () => {
  const long = Date.now() - 80_000_000;
  const { routes, own, jobs, id, row, job } = await open({
    created_at: new Date(long).toISOString(),
    deadline_at: new Date(long + 3_600_000).toISOString(),
    expires_at: Math.floor(Date.now() / 1000) + 60,
  });
  await jobs.end(id, 'expired', new Date());
  await routes.retry(own);
  const opened = await row();
  expect(Date.parse(opened?.deadline_at ?? '')).toBeGreaterThan(Date.now());
  expect(opened?.expires_at).toBeGreaterThan(job.expires_at + 3_600);
  expect((opened?.expires_at ?? 0) * 1000).toBeGreaterThan(Date.parse(opened?.deadline_at ?? ''));
});

it('runs neither an open job again nor one that succeeded', async () => {
  const { routes, own, jobs, job, id, takeAll } = await open();
  await jobs.markEnqueued(job, new Date());
  const refused = { code: 'job_not_retryable', httpStatus: 409 };
  await expect(routes.retry(own)).rejects.toMatchObject(refused);
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  await expect(routes.retry(own)).rejects.toMatchObject(refused);
  await jobs.succeed({ id, fence: 1 }, { files: {}, facts: {} }, {}, new Date());
  await expect(routes.retry(own)).rejects.toMatchObject(refused);
  expect(await takeAll()).toEqual([]);
});

it('answers 503 to a retry while the queue is down, and a repeat sends the message', async () => {
  const { own, jobs, deliveries, id, routes, settings, deadQueue, takeAll, wake } = await open();
  await jobs.end(id, 'failed', new Date(), reason);
  const down = retryJob({ jobs, deliveries, queue: deadQueue, wake }, settings);
  await expect(down(own)).rejects.toMatchObject({ code: 'queue_unavailable', httpStatus: 503 });
  expect(await routes.retry(own)).toMatchObject({ status: 202, body: { id, status: 'queued' } });
  expect(await takeAll()).toEqual([id]);
  await expect(routes.retry(own)).rejects.toMatchObject({ code: 'job_not_retryable' });
});

it('erases input, results and row, and nothing of any other job', async () => {
  const { routes, own, id, row, uploads, results } = await open();
  const other = await open();
  const mine = [inputKey(id, 'hash'), inputKey(id, 'another')];
  for (const key of [...mine, inputKey(other.id, 'hash')]) await uploads.put(key, PNG, png);
  for (const of of [id, other.id]) await results.put(resultKey(of, 1, 'sr.png'), PNG, png);
  expect(await routes.erase(own)).toEqual({ status: 204 });
  expect(await row()).toBeUndefined();
  for (const key of mine) expect(await exists(uploads, key), key).toBe(false);
  expect(await exists(results, resultKey(id, 1, 'sr.png'))).toBe(false);
  expect(await exists(uploads, inputKey(other.id, 'hash'))).toBe(true);
  expect(await exists(results, resultKey(other.id, 1, 'sr.png'))).toBe(true);
  await expect(routes.erase(own)).rejects.toMatchObject({ code: 'job_not_found' });
});

it('erases the file that was uploaded, and none whose name only begins like it', async () => {
  const tenant = 'tenant-of-similar-names';
  const key = uploadKey(tenant, 'harbour');
  const { jobs, uploads, routes, request } = await open();
  const job = queuedJob({ tenant, input: { kind: 'object', bucket: 'uploads', key } });
  await jobs.create(job);
  for (const each of [key, `${key}.png`, `${key}/1`]) await uploads.put(each, PNG, png);
  await routes.erase(request({ tenant, path: { id: job.id } }));
  expect(await exists(uploads, key)).toBe(false);
  expect(await exists(uploads, `${key}.png`)).toBe(true);
  expect(await exists(uploads, `${key}/1`)).toBe(true);
});

it('stops the worker of a job that is erased: nothing it writes comes back', async () => {
  const { routes, own, jobs, id, row } = await open();
  await jobs.claim(id, 'worker', new Date(), Date.now() + 60_000);
  await routes.erase(own);
  const claim = { id, fence: 1 };
  expect(await jobs.renew(claim, Date.now())).toBe(false);
  expect(await jobs.succeed(claim, { files: {}, facts: {} }, {}, new Date())).toBe(false);
  expect(await row()).toBeUndefined();
});

it('lists the jobs of its tenant, and refuses the cursor of another', async () => {
  const mine = await open();
  const other = await open();
  for (const each of [other.tenant, mine.tenant]) await mine.jobs.create(queuedJob({ tenant: each }));
  const list = listJobs(mine.index);
  const page = (await list(mine.request({ query: { limit: '1' } }))).body as {
    jobs: unknown[];
    cursor: string;
  };
  expect(page.jobs).toHaveLength(1);
  const rest = await list(mine.request({ query: { cursor: page.cursor } }));
  expect(rest.body).toMatchObject({ jobs: [{ status: 'queued' }] });
  const foreign = other.request({ query: { cursor: page.cursor } });
  await expect(list(foreign)).rejects.toMatchObject({ code: 'invalid_request', field: 'cursor' });
});
