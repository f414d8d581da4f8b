/** The Lambda bundles: how large each is, and how long a fresh process takes to load it. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { buildFunctions } from '../scripts/build-functions.ts';
import { median } from './median.ts';

export interface BundleFigures {
  readonly name: string;
  readonly zipBytes: number;
  /** Median over fresh processes of the import alone; the start of Node is the same for all and Lambda's own. */
  readonly importMs: number;
  /** Processor time of the same, all threads: other work on the machine moves it less. Absent in older results. */
  readonly importCpuMs?: number;
}

/** Loads it by require, as Lambda's runtime does. */
const PROBE = `const cpu = process.cpuUsage();
const start = performance.now();
require(process.argv[2]);
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify([ms, (user + system) / 1000]));
process.exit(0);
`;

/** @param environment what the functions need in order to load */
export async function measureBundles(
  directory: string,
  environment: Record<string, string>,
  runs: number,
): Promise<BundleFigures[]> {
  const built = await buildFunctions();
  const probe = path.join(directory, 'probe.cjs');
  await writeFile(probe, PROBE);
  const bundles = await Promise.all(
    built.map(async ({ name, zipBytes }) => {
      const archive = unzipSync(await readFile(path.resolve(import.meta.dirname, `../.build/${name}.zip`)));
      // What it loads late lies beside it and is not loaded here.
      for (const [file, bytes] of Object.entries(archive)) {
        const target = path.join(directory, name, file);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, bytes);
      }
      const script = path.join(directory, name, `functions/${name}.cjs`);
      return { name, zipBytes, script, ms: [] as number[], cpuMs: [] as number[] };
    }),
  );
  for (let run = 0; run < runs; run++) {
    for (const { script, ms, cpuMs } of bundles) {
      const { stdout } = await promisify(execFile)(process.execPath, [probe, script], {
        env: { ...process.env, ...environment },
      });
      const [wall = Number.NaN, cpu = Number.NaN] = JSON.parse(stdout) as number[];
      ms.push(wall);
      cpuMs.push(cpu);
    }
  }
  return bundles.map(({ name, zipBytes, ms, cpuMs }) => ({
    name,
    zipBytes,
    importMs: median(ms),
    importCpuMs: median(cpuMs),
  }));
}
