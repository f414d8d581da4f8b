/**
 * Folders for pictures that do not fit in memory, one a job. Each is named after its process, so that a worker that was
 * killed leaves nothing for good: the next one on the machine removes what belongs to no process that lives.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

/** Part of the disk's free bytes that is planned with; logs and models grow beside it. */
const USABLE = 0.9;

/** When a process began, in ticks since boot: a number of a process comes again. Undefined where there is none; empty where the system does not say. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return startElsewhere(pid);
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // "id (name) state …": the name may hold spaces and brackets. The start is the 22nd field.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return undefined;
  }
}

function startElsewhere(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return '';
  } catch {
    return undefined;
  }
}

/** Removes what processes of this host that are no more left behind. @returns how many folders that were */
export async function sweepScratch(root: string): Promise<number> {
  let swept = 0;
  for (const name of await readdir(root).catch(ifMissing(() => []))) {
    const [host, pid, start] = name.split('@');
    if (host !== hostname() || pid === undefined || start === undefined) continue;
    if ((await startOf(Number(pid))) === start) continue;
    await rm(path.join(root, name), { recursive: true, force: true });
    swept += 1;
  }
  return swept;
}

/** A new folder of this process, for one attempt at a job. */
export async function newScratchFolder(root: string, jobId: string): Promise<string> {
  await mkdir(root, { recursive: true });
  const owner = [hostname(), process.pid, await startOf(process.pid)].join('@');
  return mkdtemp(path.join(root, `${owner}@${jobId}-`));
}

/** Bytes of disk that jobs may plan with. */
export async function scratchBytes(root: string): Promise<number> {
  const found = await statfs(root).catch(ifMissing(() => undefined));
  // It is made for the first job; the disk is there before.
  if (found === undefined) return scratchBytes(path.dirname(root));
  return Math.floor(found.bavail * found.bsize * USABLE);
}

const ifMissing =
  <T>(instead: () => T) =>
  (error: unknown): T => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead();
    throw error;
  };
