/** What the calls of SQS, DynamoDB and S3 cost a job, in calls and in CPU of the worker. */
import type { TinyKind } from './aws-jobs.ts';
import { submitTiny } from './aws-jobs.ts';
import type { AwsAnswer, AwsQuestion } from './aws-worker.ts';
import type { Stores } from './cases.ts';
import type { Child } from './child.ts';
import { median } from './median.ts';

export interface AwsFigures {
  readonly kind: TinyKind;
  readonly jobs: number;
  /** CPU ms a job of each repeat: the worker with its calls, less the same worker that answers them itself. */
  readonly cpuMs: readonly number[];
  readonly withoutMs: number;
  readonly calls: Readonly<Record<string, number>>;
}

const WARM_UP = 100;

/** @param worker bench/aws-worker.ts */
export async function measureAwsCost(
  worker: Child,
  stores: Stores,
  { kind, jobs, repeats }: { readonly kind: TinyKind; readonly jobs: number; readonly repeats: number },
): Promise<AwsFigures> {
  const measure = async (count: number, isStub: boolean): Promise<AwsAnswer> => {
    if (!isStub) await submitTiny(stores, kind, count);
    return worker.ask<AwsAnswer>({ jobs: count, kind, isStub } satisfies AwsQuestion);
  };
  for (const isStub of [false, true]) await measure(WARM_UP, isStub);
  const pairs: { real: AwsAnswer; stub: AwsAnswer }[] = [];
  for (let repeat = 0; repeat < repeats; repeat++)
    pairs.push({ real: await measure(jobs, false), stub: await measure(jobs, true) });
  const cpuMs = pairs.map(({ real, stub }) => real.cpuMs - stub.cpuMs);
  console.log(`aws-cost ${kind}: ${cpuMs.map((ms) => ms.toFixed(2)).join(' ')} ms`, pairs.at(-1)?.real.calls);
  return {
    kind,
    jobs,
    cpuMs,
    withoutMs: median(pairs.map(({ stub }) => stub.cpuMs)),
    calls: pairs.at(-1)?.real.calls ?? {},
  };
}
