/** The key's jobs, newest first, kept fresh: one request for all of them, often while one is open, seldom otherwise. */
import { useCallback, useState } from 'preact/hooks';
import { explain, hasEnded, type Job, outboard } from '../api.ts';
import { useRepeated } from './repeat.ts';

const EVERY_MS = 1_500;
const SELDOM_MS = 10_000;
const LARGEST_PAGE = 100;

export interface JobsSeen {
  /** Undefined until the first answer. */
  readonly jobs: readonly Job[] | undefined;
  readonly more: boolean;
  readonly problem: string | undefined;
  /** Looks at once. */
  refresh(): void;
}

/** @param count how many jobs to show, at most */
export function useJobs(count: number, status?: string): JobsSeen {
  const [seen, setSeen] = useState<{ readonly jobs: readonly Job[]; readonly more: boolean }>();
  const [problem, setProblem] = useState<string>();
  const [wish, setWish] = useState(0);
  useRepeated(
    async (signal) => {
      const found: Job[] = [];
      const pageSize = Math.min(LARGEST_PAGE, count + 1);
      const list = outboard.value.jobs.list({
        status: status as Job['status'] | undefined,
        pageSize,
        signal,
      });
      for await (const job of list) {
        found.push(job);
        if (found.length > count) break;
      }
      setSeen({ jobs: found.slice(0, count), more: found.length > count });
      setProblem(undefined);
      return found.some((job) => !hasEnded(job)) ? EVERY_MS : SELDOM_MS;
    },
    (error) => setProblem(explain(error)),
    [count, status, wish],
  );
  return {
    jobs: seen?.jobs,
    more: seen?.more ?? false,
    problem,
    refresh: useCallback(() => setWish((before) => before + 1), []),
  };
}
