/**
 * Brings the emulators onto this machine once: moto from PyPI into a virtual environment, DynamoDB Local and ElasticMQ
 * from Maven Central. Each lies in a folder named by what it was made from, so a changed pin makes a new one.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const ENGINES = path.join(import.meta.dirname, 'engines');
const CACHE = path.resolve(import.meta.dirname, '../.check-aws');
const INSTALL_MS = 600_000;

/** @returns moto's server as a command */
export async function installMoto(): Promise<string> {
  const folder = await installed('moto', async (source, target) => {
    await run('python3', ['-m', 'venv', target], 'python3 and its venv module (Debian: python3-venv)');
    const quiet = ['--quiet', '--no-deps', '--disable-pip-version-check'];
    const pip = path.join(target, 'bin/pip');
    await run(pip, ['install', ...quiet, '-r', path.join(source, 'requirements.txt')], 'packages from PyPI');
  });
  return path.join(folder, 'bin/moto_server');
}

/** @returns the class path, and the folder of native libraries */
export async function installDynamoDbLocal(): Promise<{ classPath: string; libraries: string }> {
  const folder = await installed('dynamodb-local', async (source, target) => {
    await copyJars(source, target);
    const args = ['-cp', path.join(target, '*'), '-d', target, path.join(source, 'LoopbackDynamoDb.java')];
    await run('javac', args, 'a JDK, 17 or newer (Debian: openjdk-17-jdk-headless)');
  });
  return { classPath: `${folder}:${folder}/*`, libraries: folder };
}

/** @returns the class path */
export async function installElasticMq(): Promise<string> {
  return `${await installed('elasticmq', copyJars)}/*`;
}

async function copyJars(source: string, target: string): Promise<void> {
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${target}`, '-DincludeScope=runtime'];
  await run('mvn', ['-B', '-q', '-f', path.join(source, 'pom.xml'), ...goal], 'Maven (Debian: maven)');
}

/** @param install fills the empty folder `target` by the files in `source` */
async function installed(
  name: string,
  install: (source: string, target: string) => Promise<void>,
): Promise<string> {
  const source = path.join(ENGINES, name);
  const hash = createHash('sha256');
  for (const file of (await readdir(source)).sort()) hash.update(await readFile(path.join(source, file)));
  const target = path.join(CACHE, `${name}-${hash.digest('hex').slice(0, 12)}`);
  const complete = path.join(target, '.complete');
  const isThere = await access(complete).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  console.log(`          installing ${name}`);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await install(source, target);
  await writeFile(complete, '');
  return target;
}

/** @throws Error that says what to install */
async function run(command: string, args: readonly string[], needs: string): Promise<void> {
  await promisify(execFile)(command, args, { timeout: INSTALL_MS }).catch((error: Error) => {
    throw new Error(`needs ${needs}: ${error.message.split('\n').slice(0, 8).join('\n')}`);
  });
}
