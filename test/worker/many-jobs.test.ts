/**
 * Fifty jobs, their messages repeated and out of order, two workers, and services that fail now and then, sometimes
 * only after they did what was asked: every job ends, and every job ends once.
 */
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { OutboardError } from '../../shared/errors.ts';
import { isTerminal, type Job } from '../../shared/job.ts';
import { queuedJob, silent, useServices } from '../job/services.ts';
import { intercept, newWorker, ScriptedPipeline } from './setup.ts';

const JOBS = 50;
const PLACES = 4;
const FAULT_PERCENT = 4;
const services = useServices();

/** The verbs that end a job. */
const ends = ['succeed', 'fail', 'end'];

it('ends each of many jobs exactly once, whatever fails on the way', async () => {
  const { jobs, newQueue } = services();
  const chance = fc.infiniteStream(fc.nat({ max: 99 }));
  const property = async (dice: IterableIterator<number>) => {
    const roll = (): number => dice.next().value ?? 0;
    const { queue, held } = await newQueue(1_000);
    const drafts = Array.from({ length: JOBS }, () => queuedJob({ max_attempts: 6 }));
    const ended = new Map<string, number>();

    const failing = <T extends object>(target: T): T =>
      intercept(target, async (verb, args, make) => {
        const fault = roll();
        if (fault < FAULT_PERCENT / 2) throw new Error(`${verb} was not done`);
        const answer = await make();
        if (ends.includes(verb) && (answer === true || isJob(answer))) {
          const [of] = args as [string | { id: string }];
          const id = typeof of === 'string' ? of : of.id;
          ended.set(id, (ended.get(id) ?? 0) + 1);
        }
        if (fault < FAULT_PERCENT) throw new Error(`${verb} was done, and nobody told`);
        return answer;
      });
    const pipeline = new ScriptedPipeline(() => {
      const luck = roll();
      if (luck < 10) throw new OutboardError('image_corrupt');
      if (luck < 25) throw new OutboardError('model_failed');
    });
    const worker = (workerId: string) =>
      newWorker(
        { jobs: failing(jobs), queue: failing(queue), pipeline, workerId, leaseSeconds: 2, log: silent },
        PLACES,
      );

    await Promise.all(drafts.map((draft) => jobs.create(draft)));
    const messages = drafts.flatMap((draft) => Array.from({ length: 1 + (roll() % 3) }, () => draft));
    const order = messages.map((draft) => ({ draft, place: roll() })).sort((a, b) => a.place - b.place);
    await Promise.all(order.map(({ draft }) => queue.send(draft.id, draft.tenant)));

    const workers = [worker('first'), worker('second')];
    const running = workers.map((each) => each.worker.run());
    await vi.waitFor(async () => expect(await held()).toBe(0), { timeout: 100_000, interval: 250 });
    for (const each of workers) each.worker.stop(60_000);
    await Promise.all(running);

    const rows = await Promise.all(drafts.map(({ id }) => jobs.get(id) as Promise<Job>));
    for (const row of rows) {
      expect(isTerminal(row.status), `${row.id} is ${row.status}`).toBe(true);
      expect(ended.get(row.id), row.id).toBe(1);
      expect(row.attempt).toBeLessThanOrEqual(row.max_attempts);
      const files = [...pipeline.files].filter((file) => file.startsWith(row.id));
      if (row.status !== 'succeeded') continue;
      expect(row.output?.facts).toEqual({ fence: row.fence });
      expect(files).toContain(`${row.id}/${row.fence}`);
    }
    expect(rows.some(({ status }) => status === 'succeeded')).toBe(true);
    expect(rows.some(({ attempt }) => attempt > 1)).toBe(true);
  };
  await fc.assert(fc.asyncProperty(chance, property), { numRuns: 1, endOnFailure: true });
}, 150_000);

const isJob = (answer: unknown): boolean =>
  answer !== null && typeof answer === 'object' && 'status' in answer;
