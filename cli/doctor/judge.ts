/** What the facts about a stage mean, and what to do next. Pure: the same facts always give the same advice. */
import { resolveModel } from '../../shared/model.ts';
import type { Fact, Facts } from './facts.ts';

export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly says: string;
  /** What to do, where something should be done. */
  readonly next?: string;
}

type Judgement = Omit<Finding, 'check'>;

const SLOW_API_MS = 3_000;
/** The scaler runs every minute. */
const STALE_FLEET_MS = 5 * 60_000;

const NOT_RUNNING = 'Is `npm start` running, and is this its port (--port)?';
const NOT_ALLOWED = 'Look whether your credentials may read it, and whether it is there.';

const ok = (says: string): Judgement => ({ verdict: 'ok', says });
const warn = (says: string, next: string): Judgement => ({ verdict: 'warn', says, next });
const fail = (says: string, next: string): Judgement => ({ verdict: 'fail', says, next });

/** @param stage its name, for the commands that the advice names */
export function judge(facts: Facts, stage: string): Finding[] {
  const known = <T>(fact: Fact<T>, judgeValue: (value: T) => Judgement, next?: string): Judgement =>
    'value' in fact
      ? judgeValue(fact.value)
      : fail(`cannot be looked at: ${fact.error}`, next ?? (stage === 'local' ? NOT_RUNNING : NOT_ALLOWED));
  const flag = stage === 'local' ? '' : ` --stage ${stage}`;
  const checks: readonly [string, Judgement | undefined][] = [
    ['API', known(facts.api, judgeApi)],
    ['queue', known(facts.waiting, (waiting) => judgeQueue(waiting, facts))],
    [
      'dead letters',
      known(facts.deadLetters, (count) =>
        count === 0
          ? ok('none')
          : fail(
              `${count} messages`,
              `npx outboard redrive${flag} shows them and gives them back to the queue.`,
            ),
      ),
    ],
    ['scaler', known(facts.fleet, (record) => judgeScaler(record, facts, stage))],
    ['workers', known(facts.workers, (workers) => judgeWorkers(workers, facts))],
    ['machines', facts.capacity === undefined ? undefined : known(facts.capacity, judgeCapacity)],
    [
      'image',
      facts.image === undefined
        ? undefined
        : known(
            facts.image,
            ({ tag, pushed }) => ok(`${tag}, pushed ${pushed ?? 'at an unknown time'}`),
            `npm run image --${flag} --push builds and pushes it.`,
          ),
    ],
    ['models', known(facts.models, judgeModels)],
    [
      'alarms',
      facts.alarms === undefined
        ? undefined
        : known(facts.alarms, (ringing) =>
            ringing.length === 0
              ? ok('silent')
              : fail(
                  ringing.join(', '),
                  'docs/operations.md says for each alarm what it means and what to do.',
                ),
          ),
    ],
  ];
  return checks.flatMap(([check, judgement]) => (judgement === undefined ? [] : [{ check, ...judgement }]));
}

function judgeApi({ status, milliseconds }: { status: number; milliseconds: number }): Judgement {
  if (status === 503)
    return fail(
      'degraded: it does not reach its queue or its models',
      'Look into the log of the function health.',
    );
  if (status !== 200) return fail(`answers ${status}`, 'Look into the log of the function health.');
  return milliseconds > SLOW_API_MS
    ? warn(`answers after ${milliseconds} ms`, 'A cold start takes about a second; ask again.')
    : ok(`answers after ${milliseconds} ms`);
}

function judgeQueue(waiting: number, { open, workers }: Facts): Judgement {
  const queued = 'value' in open ? open.value.queued : waiting;
  const seconds = 'value' in open ? Math.round(open.value.seconds) : undefined;
  const says = `${queued} jobs queued${seconds === undefined ? '' : `, ${seconds} s of predicted work in all`}`;
  const ready = 'value' in workers ? workers.value.filter(({ state }) => state === 'ready').length : 0;
  if (queued > 0 && ready === 0)
    return warn(
      `${says}, and no worker is ready`,
      'See "machines" and "workers" below for what they wait for.',
    );
  return ok(says);
}

function judgeScaler(
  record: Facts['fleet'] extends Fact<infer R> ? R : never,
  facts: Facts,
  stage: string,
): Judgement {
  if (record === undefined)
    return stage === 'local'
      ? ok('has not run yet; on one machine the worker needs none')
      : warn('has never run', 'It runs every minute; look into the log of the function scale.');
  const age = facts.now.getTime() - Date.parse(record.updated_at);
  if (age > STALE_FLEET_MS)
    return fail(
      `ran last at ${record.updated_at}`,
      'Its schedule or its function fails: look into the log of scale.',
    );
  if (record.reason === 'budget' && record.desired === 0)
    return fail(
      `today's budget of worker hours is used up; ${record.open_jobs} jobs wait for 00:00 UTC`,
      'Raise the param maxGpuHoursPerDay and deploy, or wait.',
    );
  return ok(`wants ${record.desired} workers (${record.reason})`);
}

function judgeWorkers(
  workers: readonly { state: string; busy: number; device: string; id: string }[],
  facts: Facts,
): Judgement {
  const states = ['ready', 'loading', 'draining'].map((state) => {
    const count = workers.filter((worker) => worker.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const says = states.flat().join(', ') || 'none';
  const busy = workers.reduce((sum, worker) => sum + worker.busy, 0);
  const desired = 'value' in facts.fleet ? (facts.fleet.value?.desired ?? 0) : 0;
  if (workers.length === 0 && desired > 0)
    return warn(
      `${desired} ordered, none has reported yet`,
      'A start takes minutes; then look into the log of the workers.',
    );
  return ok(workers.length === 0 ? says : `${says}; ${busy} jobs in hand`);
}

function judgeCapacity({
  desired,
  running,
  error,
}: {
  desired: number;
  running: number;
  error?: { code: string; message: string };
}): Judgement {
  const says = `${running} of ${desired} ordered`;
  if (error === undefined) return ok(says);
  const advice: Record<string, string> = {
    VcpuLimitExceeded:
      'The account may not start so many machines of this kind: ask for more in Service Quotas ("Running On-Demand G and VT instances" or "All G and VT Spot Instance Requests"). New accounts have 0.',
    MaxSpotInstanceCountExceeded:
      'Ask for more in Service Quotas ("All G and VT Spot Instance Requests"), or take on-demand machines.',
    InsufficientInstanceCapacity:
      'AWS has none of these machines free here now: add instance types or subnets in other zones (docs/deploy.md), or wait.',
  };
  return fail(
    `${says}; ${error.code}: ${error.message}`,
    advice[error.code] ?? 'The message is what the cloud said; docs/operations.md, "CapacityErrors".',
  );
}

function judgeModels(catalog: Facts['models'] extends Fact<infer C> ? C : never): Judgement {
  if (catalog.models.length === 0)
    return fail(
      'none is published',
      'npx outboard model publish <folder> --bucket <models bucket>, then promote.',
    );
  const broken = Object.keys(catalog.aliases).filter((alias) => resolveModel(catalog, alias) === undefined);
  if (broken.length > 0)
    return fail(
      `the names ${broken.join(', ')} lead to no model`,
      'Publish and promote the versions they mean.',
    );
  return ok(
    `${catalog.models.length} versions; ${Object.keys(catalog.aliases).join(', ') || 'no other names'}`,
  );
}
