/** What becomes of jobs when the process that holds the model is killed in the middle of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running, Task } from './system.ts';

export interface KillFigures {
  readonly jobs: number;
  /** Finished when the worker was killed. */
  readonly before: number;
  /** Never answered, however long was waited: whoever wants the answer must send the job again. */
  readonly lost: number;
  /** Finished more than once. */
  readonly twice: number;
  /** From the kill to the last answer that still came, seconds. */
  readonly lastAnswerSeconds: number;
}

interface KillOptions {
  readonly task: Task;
  readonly picture: () => Buffer;
  readonly jobs: number;
}

const LOOK_EVERY_MS = 5;

/** Hands over all jobs at once and kills when a third of them are answered. */
export async function killInTheMiddle(
  { follow, killWorker }: Pick<Running, 'follow' | 'killWorker'>,
  { task, picture, jobs }: KillOptions,
): Promise<KillFigures> {
  let answered = 0;
  let lastAnswer = 0;
  const following = Promise.all(
    Array.from({ length: jobs }, async () => {
      const times = await follow(task, picture());
      if (times > 0) {
        answered += 1;
        lastAnswer = performance.now();
      }
      return times;
    }),
  );
  let over = false;
  const ended = following.finally(() => {
    over = true;
  });
  while (!over && answered < jobs / 3) await sleep(LOOK_EVERY_MS);
  const [before, killed] = [answered, performance.now()];
  await killWorker();
  const times = await ended;
  return {
    jobs,
    before,
    lost: times.filter((count) => count === 0).length,
    twice: times.filter((count) => count > 1).length,
    lastAnswerSeconds: Math.max(0, lastAnswer - killed) / 1000,
  };
}
