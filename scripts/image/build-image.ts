/** From sources to an image that a stage can run: build, or find that it was built before; push; let the stage's tag name it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { contentTag, type ImageTarget } from './content-tag.ts';
import { docker } from './docker.ts';
import { baseImages, DOCKERFILE, ROOT, readInstructions } from './dockerfile.ts';
import { type ImageRegistry, REPOSITORY } from './registry.ts';

/** What the fleet's instances and Fargate run. */
const PLATFORM = 'linux/amd64';

interface BuildOptions {
  readonly target: ImageTarget;
  readonly stage: string;
  /** Where to push; without it the image stays on this machine. */
  readonly registry?: Pick<ImageRegistry, 'ensure' | 'find' | 'move' | 'login'>;
  readonly print: (line: string) => void;
}

/** @returns the image's full name by its content */
export async function buildImage({ target, stage, registry, print }: BuildOptions): Promise<string> {
  baseImages(readInstructions(readFileSync(path.join(ROOT, DOCKERFILE), 'utf8')));
  const tag = contentTag(target);
  const repository = (await registry?.ensure()) ?? REPOSITORY;
  const image = `${repository}:${tag}`;
  if ((await registry?.find(tag)) !== undefined) {
    print(`${image} is there already: nothing of it has changed`);
    await registry?.move(tag, stage);
  } else {
    if (registry !== undefined) await login(registry);
    await docker([
      'buildx',
      'build',
      ...['--platform', PLATFORM, '--target', target, '--file', DOCKERFILE],
      ...['--tag', image, '--tag', `${repository}:${stage}`],
      ...['--build-arg', `REVISION=${revision()}`],
      // An attestation would make an index of the image, and two digests for one content.
      '--provenance=false',
      registry === undefined ? '--load' : '--push',
      '.',
    ]);
  }
  print(`${repository}:${stage} is ${tag}`);
  return image;
}

async function login(registry: Pick<ImageRegistry, 'login'>): Promise<void> {
  const { username, password, endpoint } = await registry.login();
  await docker(['login', '--username', username, '--password-stdin', endpoint], {
    input: password,
    quiet: true,
  });
}

/** The commit, marked where the working tree differs from it. */
function revision(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-dirty');
  } catch {
    return 'unknown';
  }
}
