/** The Lambda bundles: how large each is, and how long a fresh process takes to load it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { buildFunctions } from '../scripts/build-functions.ts';
import { median } from './median.ts';

export interface BundleFigures {
  readonly name: string;
  readonly zipBytes: number;
  /** Median over fresh processes, the start of Node itself taken off. */
  readonly importMs: number;
}

async function startMs(script: string, environment: Record<string, string>): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return performance.now() - start;
}

export async function measureBundles(
  directory: string,
  environment: Record<string, string>,
  runs: number,
): Promise<BundleFigures[]> {
  const built = await buildFunctions();
  const bare = path.join(directory, 'bare.mjs');
  await writeFile(bare, '');
  const scripts = await Promise.all(
    built.map(async ({ name }) => {
      const archive = unzipSync(await readFile(path.resolve(import.meta.dirname, `../.build/${name}.zip`)));
      const script = path.join(directory, `functions/${name}.mjs`);
      await mkdir(path.dirname(script), { recursive: true });
      await writeFile(script, archive[`functions/${name}.mjs`] ?? '');
      return script;
    }),
  );
  const figures = scripts.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [index, script] of scripts.entries()) {
      // A bare start beside every one: the machine's mood is then the same for both.
      const node = await startMs(bare, environment);
      figures[index]?.push((await startMs(script, environment)) - node);
    }
  }
  return built.map(({ name, zipBytes }, index) => ({
    name,
    zipBytes,
    importMs: median(figures[index] ?? []),
  }));
}
