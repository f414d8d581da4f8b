/** What the peers need on this machine. Everything they install lies outside the project: a virtual environment for each, made once. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { modelManifest } from '../../shared/model.ts';

const run = promisify(execFile);
const CACHE = process.env.BENCH_PEERS_CACHE ?? path.join(tmpdir(), 'outboard-bench-peers');
const MODELS = path.resolve(import.meta.dirname, '../../models');

/** Tools, how each tells that it is there, and how it is had. */
const TOOLS = [
  { command: 'taskset', ask: ['--version'], get: 'apt-get install util-linux' },
  { command: 'redis-server', ask: ['--version'], get: 'apt-get install redis-server' },
  { command: 'python3', ask: ['-c', 'import venv, ensurepip'], get: 'apt-get install python3 python3-venv' },
] as const;

/** @throws naming every tool that is missing and how to get it */
export async function requireTools(): Promise<void> {
  const missing: string[] = [];
  for (const { command, ask, get } of TOOLS)
    await run(command, [...ask]).catch(() => missing.push(`${command} (${get})`));
  if (missing.length > 0) throw new Error(`The comparison with peers needs ${missing.join(', ')}.`);
}

export const folderOf = (peer: string): string => path.join(import.meta.dirname, peer);

/** Made under a name that changes with what is asked for; half-made ones have no mark and are made again. */
async function once(name: string, lock: Buffer, make: (folder: string) => Promise<unknown>): Promise<string> {
  const hash = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const folder = path.join(CACHE, `${name}-${hash}`);
  const mark = path.join(folder, '.complete');
  if (await readFile(mark).catch(() => undefined)) return folder;
  console.log(`peers: installing ${name} in ${folder}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await make(folder);
  await writeFile(mark, new Date().toISOString());
  return folder;
}

/** @returns the folder of a virtual environment's programs */
export async function pythonFor(peer: string): Promise<string> {
  const requirements = path.join(folderOf(peer), 'requirements.txt');
  const folder = await once(peer, await readFile(requirements), async (target) => {
    await run('python3', ['-m', 'venv', target]);
    await run(path.join(target, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  });
  return path.join(folder, 'bin');
}

/** @returns a folder that holds the server beside its packages, and the models as its library looks for them */
export async function nodePeer(peer: string): Promise<string> {
  const source = folderOf(peer);
  const server = path.join(source, 'server.js');
  const lock = Buffer.concat([
    await readFile(path.join(source, 'package.json')),
    await readFile(server),
    Buffer.from(MODELS),
  ]);
  return once(peer, lock, async (target) => {
    await cp(source, target, { recursive: true });
    // The libraries for CUDA are a download of their own, and nothing here runs on a GPU.
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: target, env });
    await hubFolder(target, 'classifier', 'image-classifier/1', 'model.onnx');
    await hubFolder(target, 'enlarger', 'super-resolution-tiny/1', 'x4.onnx');
  });
}

/** A model's folder as the hub has them. */
async function hubFolder(target: string, name: string, model: string, graph: string): Promise<void> {
  const manifest = modelManifest.parse(
    JSON.parse(await readFile(path.join(MODELS, model, 'model.json'), 'utf8')),
  );
  const folder = path.join(target, 'models', name);
  await mkdir(path.join(folder, 'onnx'), { recursive: true });
  await symlink(path.join(MODELS, model, graph), path.join(folder, 'onnx/model.onnx'));
  const input = manifest.graphs[0]?.input;
  const size = input !== undefined && 'height' in input ? { width: input.width, height: input.height } : {};
  const id2label = 'labels' in manifest ? Object.fromEntries(manifest.labels?.entries() ?? []) : {};
  await writeFile(
    path.join(folder, 'config.json'),
    JSON.stringify({ model_type: 'outboard', size, id2label }),
  );
}
