/** What the doctor says about a stage that ails, and that it says it in the words an operator can act on. */
import { expect, it } from 'vitest';
import type { Facts } from '../../cli/doctor/facts.ts';
import { judge } from '../../cli/doctor/judge.ts';
import { catalog } from '../shared/catalog.ts';

const now = new Date('2026-03-02T08:00:00Z');
const worker = {
  id: 'w',
  state: 'ready',
  device: 'cuda',
  busy: 2,
  places: 4,
  models: [],
  started_at: '',
  seen_at: '',
} as const;
const fleet = {
  desired: 1,
  running: 1,
  backlog_seconds: 12,
  open_jobs: 3,
  reason: 'backlog',
  updated_at: now.toISOString(),
  revision: 7,
};

const well: Facts = {
  now,
  api: { value: { status: 200, milliseconds: 80 } },
  waiting: { value: 3 },
  deadLetters: { value: 0 },
  open: { value: { jobs: 3, queued: 2, seconds: 12 } },
  fleet: { value: fleet },
  workers: { value: [worker] },
  capacity: { value: { desired: 1, running: 1 } },
  image: { value: { tag: 'prod', pushed: '2026-03-01T00:00:00Z' } },
  models: { value: catalog },
  alarms: { value: [] },
};

const finding = (facts: Partial<Facts>, check: string) =>
  judge({ ...well, ...facts }, 'prod').find((found) => found.check === check);

it('finds nothing wrong with a stage that is well', () => {
  const findings = judge(well, 'prod');
  expect(findings).toHaveLength(9);
  expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
});

it('looks only at what a stage has', () => {
  const local = judge({ ...well, capacity: undefined, image: undefined, alarms: undefined }, 'local');
  expect(local.map(({ check }) => check)).toEqual([
    'API',
    'queue',
    'dead letters',
    'scaler',
    'workers',
    'models',
  ]);
});

it.each([
  [
    'a quota of 0',
    'machines',
    {
      capacity: {
        value: {
          desired: 1,
          running: 0,
          error: { code: 'VcpuLimitExceeded', message: 'limit of 0', at: '' },
        },
      },
    },
    /Service Quotas/,
  ],
  [
    'no machines in the zone',
    'machines',
    {
      capacity: {
        value: {
          desired: 1,
          running: 0,
          error: { code: 'InsufficientInstanceCapacity', message: 'no g5', at: '' },
        },
      },
    },
    /instance types or subnets/,
  ],
  [
    'a missing image',
    'image',
    { image: { error: 'ImageNotFoundException' } },
    /npm run image -- --stage prod --push/,
  ],
  ['dead letters', 'dead letters', { deadLetters: { value: 4 } }, /outboard redrive --stage prod/],
  [
    'a budget used up',
    'scaler',
    { fleet: { value: { ...fleet, desired: 0, reason: 'budget' } } },
    /maxGpuHoursPerDay/,
  ],
  [
    'a scaler that stopped',
    'scaler',
    { fleet: { value: { ...fleet, updated_at: '2026-03-02T07:50:00Z' } } },
    /log of scale/,
  ],
  ['no model', 'models', { models: { value: { ...catalog, models: [] } } }, /model publish/],
  [
    'an alias that leads nowhere',
    'models',
    { models: { value: { ...catalog, aliases: { gone: 'nothing' } } } },
    /promote/,
  ],
  ['an alarm', 'alarms', { alarms: { value: ['outboard-prod-dead-letters'] } }, /operations\.md/],
  [
    'an API that is degraded',
    'API',
    { api: { value: { status: 503, milliseconds: 9 } } },
    /log of the function health/,
  ],
  ['a table it may not read', 'workers', { workers: { error: 'AccessDeniedException' } }, /credentials/],
] as const)('fails on %s and says what to do', (_, check, facts, next) => {
  expect(finding(facts as Partial<Facts>, check)).toMatchObject({
    verdict: 'fail',
    next: expect.stringMatching(next),
  });
});

it('warns of jobs that wait while no worker is ready, and of workers that do not come', () => {
  expect(finding({ workers: { value: [] } }, 'queue')).toMatchObject({ verdict: 'warn' });
  expect(finding({ workers: { value: [] } }, 'workers')).toMatchObject({
    verdict: 'warn',
    says: '1 ordered, none has reported yet',
  });
});

it('goes on where one part cannot be looked at', () => {
  expect(judge({ ...well, api: { error: 'ECONNREFUSED' } }, 'prod')).toHaveLength(9);
});
