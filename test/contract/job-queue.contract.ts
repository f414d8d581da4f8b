/**
 * What the rest of Outboard may rely on in the queue of wake-ups. Every wait is a long poll or an awaited condition:
 * the counts of SQS are approximate and follow a moment later. Nobody else may use the queue meanwhile.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobQueue } from '../../shared/aws/job-queue.ts';
import { newJobId } from '../../shared/job.ts';

export interface JobQueueUnderTest {
  readonly queue: JobQueue;
  readonly deadLetters: JobQueue;
  /** A message goes to the dead letters when it was received more often than this. */
  readonly maxReceives: number;
  sendBody(body: string): Promise<void>;
  close(): Promise<void>;
}

const POLL_SECONDS = 10;
const HIDDEN_SECONDS = 60;

export function jobQueueContract(name: string, open: () => Promise<JobQueueUnderTest>): void {
  describe(`the job queue (${name})`, () => {
    let under: JobQueueUnderTest;

    beforeAll(async () => {
      under = await open();
    });

    afterAll(() => under.close());

    beforeEach(async () => {
      for (const queue of [under.queue, under.deadLetters]) {
        for (;;) {
          const left = await queue.receive(10, 0, HIDDEN_SECONDS);
          if (left.length === 0) break;
          await Promise.all(left.map(({ receipt }) => queue.delete(receipt)));
        }
      }
    });

    async function setup() {
      const { queue, deadLetters } = under;
      const id = newJobId();
      return {
        queue,
        deadLetters,
        id,
        send: () => queue.send(id, 'tenant'),
        /** The next message, hidden for `seconds`; undefined where none comes within the longest poll. */
        take: async (seconds = HIDDEN_SECONDS, from = queue) =>
          (await from.receive(1, POLL_SECONDS, seconds))[0],
      };
    }

    it('hands out the id that was sent, and nothing more once it is deleted', async () => {
      const { queue, send, take, id } = await setup();
      await send();
      const message = await take(1);
      expect(message).toEqual({ jobId: id, receipt: expect.any(String) });
      await queue.delete(message?.receipt ?? '');
      expect(await queue.receive(1, 2, HIDDEN_SECONDS)).toEqual([]);
    });

    it('hides a message in hand from everybody else', async () => {
      const { queue, send, take } = await setup();
      await send();
      const message = await take();
      expect(await queue.receive(10, 0, HIDDEN_SECONDS)).toEqual([]);
      await queue.delete(message?.receipt ?? '');
    });

    it('hands a message out again that nobody deleted in time', async () => {
      const { queue, send, take, id } = await setup();
      await send();
      expect((await take(1))?.jobId).toBe(id);
      const again = await take();
      expect(again?.jobId).toBe(id);
      await queue.delete(again?.receipt ?? '');
    });

    it('gives a message back at once where that is asked', async () => {
      const { queue, send, take, id } = await setup();
      await send();
      const message = await take();
      await queue.setVisibility(message?.receipt ?? '', 0);
      const again = await take();
      expect(again?.jobId).toBe(id);
      await queue.delete(again?.receipt ?? '');
    });

    it('hides a message for longer where that is asked, and takes parts of a second', async () => {
      const { queue, send, take } = await setup();
      await send();
      const message = await take(1);
      await queue.setVisibility(message?.receipt ?? '', 59.5);
      expect(await queue.receive(1, 2, HIDDEN_SECONDS)).toEqual([]);
      await queue.delete(message?.receipt ?? '');
    });

    it('ends a poll as soon as a message comes', async () => {
      const { queue, send, take, id } = await setup();
      const polling = take();
      await send();
      const message = await polling;
      expect(message?.jobId).toBe(id);
      await queue.delete(message?.receipt ?? '');
    });

    it('ends a poll that is aborted', async () => {
      const { queue } = await setup();
      const aborted = AbortSignal.abort();
      await expect(queue.receive(1, POLL_SECONDS, HIDDEN_SECONDS, aborted)).rejects.toThrow();
    });

    it('never hands out more messages than were asked for', async () => {
      const { queue, send } = await setup();
      await Promise.all(Array.from({ length: 5 }, send));
      const seen: string[] = [];
      while (seen.length < 5) {
        const messages = await queue.receive(2, POLL_SECONDS, HIDDEN_SECONDS);
        expect(messages.length).toBeLessThanOrEqual(2);
        seen.push(...messages.map(({ receipt }) => receipt));
        await Promise.all(messages.map(({ receipt }) => queue.delete(receipt)));
      }
      expect(new Set(seen).size).toBe(5);
    });

    it('counts the messages that wait', async () => {
      const { queue, send, take } = await setup();
      await send();
      await send();
      await vi.waitFor(async () => expect(await queue.depth()).toBe(2), { timeout: 30_000 });
      const message = await take();
      await queue.delete(message?.receipt ?? '');
      await vi.waitFor(async () => expect(await queue.depth()).toBe(1), { timeout: 30_000 });
    });

    it('takes a body that is not ours for a message without a job', async () => {
      const { queue, take } = await setup();
      for (const body of ['hello', '{}', '7', '{"job_id":{"a":1}}', '{"job_id":""}', '{"job_id":"hello"}']) {
        await under.sendBody(body);
        const message = await take();
        expect(message?.jobId, body).toBe('');
        await queue.delete(message?.receipt ?? '');
      }
    });

    it('moves a message that came back too often to the dead letters', async () => {
      const { queue, deadLetters, send, take, id } = await setup();
      await send();
      for (let received = 1; received <= under.maxReceives; received += 1) {
        const message = await take();
        expect(message?.jobId).toBe(id);
        await queue.setVisibility(message?.receipt ?? '', 0);
      }
      expect(await queue.receive(1, 1, HIDDEN_SECONDS)).toEqual([]);
      const dead = await take(HIDDEN_SECONDS, deadLetters);
      expect(dead?.jobId).toBe(id);
      await deadLetters.delete(dead?.receipt ?? '');
    });
  });
}
