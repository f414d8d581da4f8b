/** One job, followed to its end, and read again before the links to its results run out. */
import { useCallback, useState } from 'preact/hooks';
import { explain, isFinal, type Job, outboard } from '../api.ts';
import { untilVisible, useRepeated } from './repeat.ts';

/** Links live for an hour unless the stage says otherwise. */
const READ_AGAIN_MS = 20 * 60_000;

export interface JobSeen {
  readonly job: Job | undefined;
  /** There is no such job, or the API refused it for good. */
  readonly problem: string | undefined;
  /** Looks again, from the start: after a retry, or where a link did not work. */
  refresh(): void;
}

export function useJob(id: string): JobSeen {
  const [job, setJob] = useState<Job>();
  const [problem, setProblem] = useState<string>();
  const [wish, setWish] = useState(0);
  useRepeated(
    async (signal) => {
      for await (const event of outboard.value.watch(id, { signal })) {
        setJob(event.job);
        setProblem(undefined);
        // Nothing is asked while this does not come back.
        await untilVisible(signal);
      }
      return READ_AGAIN_MS;
    },
    (error) => {
      if (isFinal(error)) setProblem(explain(error));
    },
    [id, wish],
  );
  return { job, problem, refresh: useCallback(() => setWish((before) => before + 1), []) };
}
