/** The bench against peers counts what it says it counts, on real processes and real connections. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { closedLoop } from '../../bench/peers/closed-loop.ts';
import { expectOk, send } from '../../bench/peers/http.ts';
import { killInTheMiddle } from '../../bench/peers/kill.ts';
import { cpuOf, endTree, killTree, memoryOfTree, treeOf } from '../../bench/peers/process-tree.ts';
import { requireTools } from '../../bench/peers/requirements.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A process whose child spins and holds 50 MB. @returns both ids */
async function parentAndChild(): Promise<{ parent: ChildProcess; pids: number[] }> {
  const child = `const held = Buffer.alloc(50e6, 1); console.log(process.pid); for (;;) held[0]++;`;
  const parent = spawn(
    process.execPath,
    [
      '-e',
      `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (parent.stdout === null) throw new Error('no output');
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const pids = [parent.pid ?? 0, Number(line)];
  closers.push(() => killTree(pids));
  return { parent, pids };
}

test.runIf(process.platform === 'linux')('CPU and memory of a child are charged to its parent', async () => {
  const { parent, pids } = await parentAndChild();
  const roots = [parent.pid ?? 0];
  expect(treeOf(roots).map(({ pid }) => pid)).toEqual(pids);
  expect(memoryOfTree(roots)).toBeGreaterThan(50);
  const before = cpuOf(roots);
  while (cpuOf(roots) < before + 50) await sleep(20);
});

test.runIf(process.platform === 'linux')('ending a system leaves none of its processes', async () => {
  const { parent, pids } = await parentAndChild();
  await endTree([parent.pid ?? 0]);
  // A moment later the kernel has taken them out of its table.
  while (treeOf(pids).length > 0) await sleep(10);
});

/** A server that works on one request at a time and forgets all when it is killed. */
async function forgetful() {
  let queue: Promise<unknown> = Promise.resolve();
  const server = createServer((_, response) => {
    queue = queue.then(() => sleep(5)).then(() => response.end('done'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closers.push(() => server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return { server, ask: () => expectOk(send(url)) };
}

test('a request that dies with its connection is lost, and those before it are not', async () => {
  const { server, ask } = await forgetful();
  const figures = await killInTheMiddle(
    {
      follow: () =>
        ask().then(
          () => 1,
          () => 0,
        ),
      killWorker: async () => server.closeAllConnections(),
    },
    { task: 'classification', picture: () => Buffer.from('x'), jobs: 30 },
  );
  expect(figures.before).toBeGreaterThanOrEqual(10);
  expect(figures.lost).toBeGreaterThan(0);
  expect(figures.lost).toBeLessThanOrEqual(20);
  expect(figures.twice).toBe(0);
});

test('a job that was finished again is counted as done twice', async () => {
  let jobs = 0;
  const figures = await killInTheMiddle(
    { follow: async () => (jobs++ === 3 ? 2 : 1), killWorker: async () => {} },
    { task: 'classification', picture: () => Buffer.from('x'), jobs: 6 },
  );
  expect(figures).toMatchObject({ jobs: 6, lost: 0, twice: 1 });
});

const loop = { task: 'classification', clients: 2, warmSeconds: 0.4, seconds: 0.3 } as const;

test('the closed loop sends every client ever new bytes and counts the answers of the measured time', async () => {
  const { ask } = await forgetful();
  let made = 0;
  const figures = await closedLoop(
    { ask: async () => void (await ask()), processes: [process.pid] },
    { ...loop, picture: () => Buffer.from(String(made++)) },
  );
  expect(figures.jobs).toBe(figures.latenciesMs.length);
  expect(figures.jobs).toBeGreaterThan(0);
  // What came before is not counted.
  expect(figures.jobs).toBeLessThan(made);
  expect(figures.jobsPerSecond).toBeCloseTo(figures.jobs / figures.seconds);
  expect(figures.cpuMsPerJob).toBeGreaterThanOrEqual(0);
});

test('a figure beside failures would mean nothing: one failed job ends the loop', async () => {
  let asked = 0;
  const ask = async () => {
    await sleep(5);
    if (++asked === 20) throw new Error('503');
  };
  await expect(
    closedLoop({ ask, processes: [process.pid] }, { ...loop, picture: () => Buffer.from('x') }),
  ).rejects.toThrow('503');
});

test('a machine without a tool is told which one and how to get it', async () => {
  const path = process.env.PATH;
  closers.push(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/nowhere';
  await expect(requireTools()).rejects.toThrow(/redis-server \(apt-get install redis-server\).*python3/);
});
