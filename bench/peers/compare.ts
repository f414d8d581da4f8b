/**
 * The same job in Outboard and in what people build today: the same graphs, the same pictures, the same cores, the same number
 * of clients in a closed loop. Systems take turns, one at a time, each freshly started; medians over the turns.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { picture } from '../cases.ts';
import { CORES, describeMachine, type Machine } from '../machine.ts';
import { closedLoop, type LoopFigures } from './closed-loop.ts';
import { besides, SERVER_CORES } from './cores.ts';
import { type KillFigures, killInTheMiddle } from './kill.ts';
import { outboard } from './outboard.ts';
import { peers } from './peers.ts';
import { peersMarkdown } from './report.ts';
import { requireTools } from './requirements.ts';
import type { System, Task } from './system.ts';

export interface SystemFigures extends Omit<System, 'start'> {
  /** One entry for each turn. */
  readonly loops: Readonly<Record<Task, readonly LoopFigures[]>>;
  readonly kill?: KillFigures;
}

export interface PeersResults {
  readonly date: string;
  readonly machine: Machine;
  /** Those that each system has; the clients, and services that are elsewhere, have the others. */
  readonly serverCores: number;
  readonly clients: number;
  readonly pictures: Readonly<Record<Task, string>>;
  readonly systems: readonly SystemFigures[];
}

interface CompareOptions {
  /** The first of about a dozen. */
  readonly port: number;
  readonly repeats: number;
  readonly quick: boolean;
  /** Only systems whose name has this in it. */
  readonly only?: string | undefined;
}

const CLIENTS = 8 * SERVER_CORES;
const KILL_JOBS = 24 * SERVER_CORES;
const sizes = {
  classification: { width: 640, height: 480 },
  'super-resolution': { width: 256, height: 256 },
};
const tasks = ['classification', 'super-resolution'] as const;

/** The same picture under ever new bytes: a JPEG comment that counts. */
function everNew(file: Buffer): () => Buffer {
  let count = 0;
  return () => {
    const text = Buffer.from(`${process.pid}-${count++}`);
    const comment = Buffer.from([0xff, 0xfe, 0, text.length + 2]);
    return Buffer.concat([file.subarray(0, 2), comment, text, file.subarray(2)]);
  };
}

export async function comparePeers({ port, repeats, quick, only = '' }: CompareOptions): Promise<void> {
  await requireTools();
  const seconds = quick ? 4 : 6;
  // Until the code of those in JavaScript is compiled, as it is in anything that has run for a minute.
  const warmSeconds = quick ? 1.5 : 8;
  const files = {
    classification: everNew(await picture(sizes.classification)),
    'super-resolution': everNew(await picture(sizes['super-resolution'])),
  };
  const systems = [...outboard(port), ...peers(port)].filter(({ name }) => name.includes(only));
  const figures = systems.map(({ start, ...system }) => ({
    start,
    figures: {
      ...system,
      loops: { classification: [] as LoopFigures[], 'super-resolution': [] as LoopFigures[] },
      kill: undefined as KillFigures | undefined,
    },
  }));
  const machine = await describeMachine();

  const results = (): PeersResults => ({
    date: new Date().toISOString().slice(0, 10),
    machine: { ...machine, cores: CORES },
    serverCores: SERVER_CORES,
    clients: CLIENTS,
    pictures: {
      classification: 'a JPEG of 640×480 to the five best classes (image-classifier)',
      'super-resolution':
        'a JPEG of 256×256, enlarged ×4 (super-resolution-tiny) and by bicubic interpolation, both as JPEG',
    },
    systems: figures.map(({ figures: { kill, ...of } }) => ({
      ...of,
      ...(kill === undefined ? {} : { kill }),
    })),
  });
  /** After every turn: a long run that is stopped keeps what it has. */
  const save = async () => {
    const folder = path.resolve(import.meta.dirname, '../results');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'peers.json'), `${JSON.stringify(results(), null, 1)}\n`);
    await writeFile(path.join(folder, 'peers.md'), peersMarkdown(results()));
  };

  await besides([process.pid], async () => {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const isLast = repeat === repeats - 1;
      for (const { start, figures: of } of figures) {
        if (of.asked === 'loss' && !isLast) continue;
        const running = await start();
        try {
          for (const task of of.asked === 'loss' ? [] : tasks) {
            const options = { task, picture: files[task], clients: CLIENTS, warmSeconds, seconds };
            const loop = await closedLoop(running, options);
            of.loops[task].push(loop);
            const { jobsPerSecond, cpuMsPerJob } = loop;
            console.log(
              `${of.name}, ${task}: ${jobsPerSecond.toFixed(2)} jobs/s, ${cpuMsPerJob.toFixed(1)} CPU ms a job`,
            );
          }
          if (isLast && of.asked !== 'speed') {
            const task = 'super-resolution';
            of.kill = await killInTheMiddle(running, { task, picture: files[task], jobs: KILL_JOBS });
            console.log(`${of.name}, killed:`, of.kill);
          }
        } finally {
          await running.close();
        }
      }
      await save();
    }
  });
  console.log(peersMarkdown(results()));
}
