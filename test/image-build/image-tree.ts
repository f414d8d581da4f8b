/** The file system of the image below /app, made outside a container from what the Dockerfile copies and installs. */
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  buildInputs,
  DOCKERFILE,
  projectCopies,
  ROOT,
  readInstructions,
} from '../../scripts/image/dockerfile.ts';
import { script } from './folder.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: true; readonly devOptional?: true }>>;
}

export async function makeImageTree(folder: string): Promise<void> {
  const instructions = readInstructions(readFileSync(path.join(ROOT, DOCKERFILE), 'utf8'));
  const sources = projectCopies(instructions).filter(({ stage }) => stage === 'cpu');
  const files = buildInputs().filter((file) =>
    sources.some(({ source }) => file === source || file.startsWith(`${source}/`)),
  );
  for (const file of files) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(folder, file));
  }
  // What `npm ci --omit=dev` would leave, from the lock file and what is installed here.
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  for (const [name, { dev, devOptional }] of Object.entries(lock.packages)) {
    if (name !== '' && dev === undefined && devOptional === undefined) linkPackage(name, folder);
  }
  const { code, output } = await script('prune-platforms.sh', path.join(folder, 'node_modules'));
  if (code !== 0) throw new Error(output);
}

/** Hard links, because the packages are large; a package inside another one is a package of its own. */
function linkPackage(name: string, folder: string): void {
  const link = (directory: string) => {
    let entries: ReturnType<typeof list>;
    try {
      entries = list(directory);
    } catch {
      return; // Of another platform: not installed here.
    }
    mkdirSync(path.join(folder, directory), { recursive: true });
    for (const entry of entries) {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory() && entry.name !== 'node_modules') link(file);
      else if (entry.isFile()) linkSync(path.join(ROOT, file), path.join(folder, file));
    }
  };
  link(name);
}

const list = (directory: string) => readdirSync(path.join(ROOT, directory), { withFileTypes: true });
