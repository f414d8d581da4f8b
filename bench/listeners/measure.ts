/**
 * Many listeners of many jobs on one machine: whether each hears how its job ended, and how long a report of progress takes
 * from the worker's call to the listener's socket.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../client/outboard.ts';
import { connectJobs } from '../../shared/aws/connect.ts';
import { connectPublisher } from '../../shared/aws/connect-channel.ts';
import { readFunctionsEnvironment } from '../../shared/environment.ts';
import { createLogger } from '../../shared/log.ts';
import { describeMachine } from '../machine.ts';
import { figure } from '../tables.ts';
import { listen, openStage, type Stage } from './stage.ts';

/** Listeners of the job whose reports are timed. */
const TOGETHER = 5;
const REPORTS = 100;
const PAUSE_MS = 50;
/** Connections that are being opened at a time. */
const OPENING = 20;
const ENDED_WITHIN_MS = 600_000;

/** Milliseconds from a worker's report to the socket of each listener, in ascending order. */
async function reportTimes({ environment, submit }: Stage): Promise<number[]> {
  const settings = readFunctionsEnvironment(environment);
  const { jobs } = connectJobs(settings, connectPublisher(settings, createLogger('bench')));
  const accepted = await submit();
  const sentAt: number[] = [];
  const times: number[] = [];
  const hear = ({ type, job: { progress } }: { type: string; job: { progress?: { completed: number } } }) => {
    const at = progress === undefined ? undefined : sentAt[progress.completed];
    if (type === 'progress' && at !== undefined) times.push(performance.now() - at);
  };
  const sockets = await Promise.all(Array.from({ length: TOGETHER }, () => listen(accepted, hear)));
  // The worker is held, so this process is the one that works on the job.
  const claimed = await jobs.claim(accepted.id, 'bench', new Date(), Date.now() + ENDED_WITHIN_MS);
  if (claimed.kind !== 'claimed') throw new Error(`The job is ${claimed.kind}.`);
  const claim = { id: accepted.id, fence: claimed.job.fence };
  for (let completed = 0; completed < REPORTS; completed += 1) {
    sentAt[completed] = performance.now();
    await jobs.report(claim, { phase: 'enlarging', completed, total: REPORTS, unit: 'tile' });
    await sleep(PAUSE_MS);
  }
  await sleep(1_000);
  for (const socket of sockets) socket.close();
  await jobs.end(accepted.id, 'canceled', new Date());
  return times.sort((a, b) => a - b);
}

/** @returns how many listeners heard that their job has succeeded */
async function everyoneHears(stage: Stage, jobs: number, listeners: number): Promise<number> {
  const accepted: Job[] = [];
  await inTurns(jobs, async () => {
    accepted.push(await stage.submit());
  });
  const heard = new Set<number>();
  const sockets: WebSocket[] = [];
  await inTurns(listeners, async (listener) => {
    const socket = await listen(accepted[listener % jobs] as Job, ({ job }) => {
      if (job.status === 'succeeded') heard.add(listener);
    });
    sockets.push(socket);
  });
  stage.release();
  const until = performance.now() + ENDED_WITHIN_MS;
  while (heard.size < listeners && performance.now() < until) await sleep(100);
  for (const socket of sockets) socket.close();
  return heard.size;
}

/** Does it so many times, a few at a time. */
async function inTurns(count: number, act: (index: number) => Promise<void>): Promise<void> {
  const left = Array.from({ length: count }, (_, index) => index).values();
  const takeTurns = async () => {
    for (const index of left) await act(index);
  };
  await Promise.all(Array.from({ length: OPENING }, takeTurns));
}

export async function measureListeners({ port, quick }: { port: number; quick: boolean }): Promise<void> {
  const [jobs, listeners] = quick ? [20, 100] : [200, 1_000];
  const stage = await openStage(port);
  try {
    stage.hold();
    const times = await reportTimes(stage);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
    const heard = await everyoneHears(stage, jobs, listeners);
    const results = {
      date: new Date().toISOString().slice(0, 10),
      machine: await describeMachine(),
      reports: { made: REPORTS * TOGETHER, heard: times.length, p50Ms: at(0.5), p99Ms: at(0.99) },
      ends: { jobs, listeners, heard },
    };
    const folder = path.resolve(import.meta.dirname, '../results');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'listeners.json'), `${JSON.stringify(results, null, 2)}\n`);
    const { date, machine } = results;
    const text = `# Listeners

${date}, \`npm run bench -- listeners\`: ${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}. Everything is
on that machine: API, functions, table, queue, worker and listeners.

| | |
| --- | ---: |
| listeners of ${jobs} jobs that heard how theirs ended | ${heard} of ${listeners} |
| reports heard, ${TOGETHER} listeners of one job | ${times.length} of ${REPORTS * TOGETHER} |
| from the worker's report to a listener, p50 | ${figure(at(0.5))} ms |
| p99 | ${figure(at(0.99))} ms |
`;
    await writeFile(path.join(folder, 'listeners.md'), text);
    console.log(text);
  } finally {
    stage.release();
    await stage.close();
  }
}
